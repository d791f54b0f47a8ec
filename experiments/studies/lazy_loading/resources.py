"""What a turn needs, loaded one after another in a fresh process: the time and the memory that each costs.

Whatever two resources share is paid by the first of them, which is why the order is part of the subject.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING

from experiments.measuring import engines
from experiments.measuring.role import Role
from experiments.measuring.workload import workloads
from experiments.studies.subjects import REPLY_TOKENS
from systems import registry
from systems.engines.interface import Call, Message
from systems.errors import BadInput

if TYPE_CHECKING:
    from systems.memory.fulltext import FullTextStore
    from systems.memory.keywords import Keywords

AGENT = "asynchronous"
"""The agent whose code is one of the resources."""


async def load(role: Role) -> None:
    """Load the resources the trial names, in its order, and look at the process after each."""
    took, looks = role.part.values, role.part.memory
    took["interpreter_s"] = time.monotonic() - role.part.marks["started"]
    looks["interpreter"] = role.processes.sample()
    loader = _Loader(role)
    for name in str(role.spec.settings["resources"]).split():
        began = time.monotonic()
        await loader.load(name)
        took[f"{name}_s"] = time.monotonic() - began
        looks[name] = role.processes.sample()
    await asyncio.to_thread(role.outside_look)
    await loader.close()


class _Loader:
    """Loads each resource the way the asynchronous agent does, and holds it."""

    def __init__(self, role: Role) -> None:
        if role.spec.engine is None:
            raise BadInput(f"The trial of {role.spec.subject} names no engine.")
        self._path = role.work_dir / "memory.sqlite"
        self._engine = engines.make(role.spec.engine, role.model_path, role.spec.profile.cpus, role.spec.seed)
        [[self._turn]] = workloads.get(role.spec.workload)(role.spec.seed, 1, 1)
        self._keywords: Keywords | None = None
        self._store: FullTextStore | None = None

    async def load(self, name: str) -> None:
        # What is imported here is part of what is measured.
        match name:
            case "agent":
                registry.systems.get(AGENT).load()
            case "keywords":
                from systems.memory.keywords import Keywords

                self._keywords = Keywords(fast=True)
                self._keywords.load()
            case "store":
                from systems.memory.fulltext import FullTextStore

                self._store = FullTextStore(self._path)
                await self._store.open()
            case "library":
                importlib.import_module("llama_cpp")
            case "model":
                self._engine.load()
            case "turn":
                await self._take_a_turn()
            case _:
                raise BadInput(f"{name} is no resource of the lazy-loading study.")

    async def _take_a_turn(self) -> None:
        if self._store is None:
            raise BadInput("A turn needs the store before it.")
        await self._store.find("user", self._turn.text, 3)
        messages = [Message("user", self._turn.text)]
        self._engine.generate(Call(messages=messages, max_tokens=REPLY_TOKENS, script=self._turn.reply))

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()
        self._engine.close()
