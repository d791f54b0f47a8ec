"""The lab's own systems on the far side of a pipe: run as those of other interpreters are, and compared with them.

`Blocking` and `Awaited` meet the contract of `systems.elsewhere.worker`. Their settings name the registered ``system``
and hold its own ``settings``; it asks its model at the address that it is given, as any other does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from systems import registry
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.errors import BadInput
from systems.interface import AsyncSystem, BlockingSystem, Reply, Request, System, TokenSink
from systems.settings import nested

_REQUESTS = 256
"""More calls at once than any trial has users."""


class Blocking:
    """One of the lab's systems that answers one turn at a time."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        """Raises `BadInput` for a system that does not block."""
        system = _built(settings, engine_url, data_dir)
        if not isinstance(system, BlockingSystem):
            raise BadInput(f"The system {settings['system']!r} does not block.")
        self._system = system

    def start(self) -> None:
        """Start it."""
        self._system.start()

    def answer(self, request: dict[str, Any], on_token: TokenSink) -> dict[str, Any]:
        """Answer one turn."""
        return _told(self._system.answer(msgspec.convert(request, Request), on_token))

    def close(self) -> None:
        """Close it."""
        self._system.close()


class Awaited:
    """One of the lab's systems that answers many turns at once."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        """Raises `BadInput` for a system that blocks."""
        system = _built(settings, engine_url, data_dir)
        if not isinstance(system, AsyncSystem):
            raise BadInput(f"The system {settings['system']!r} blocks.")
        self._system = system

    async def start(self) -> None:
        """Start it."""
        await self._system.start()

    async def answer(self, request: dict[str, Any], on_token: TokenSink) -> dict[str, Any]:
        """Answer one turn."""
        return _told(await self._system.answer(msgspec.convert(request, Request), on_token))

    async def close(self) -> None:
        """Close it."""
        await self._system.close()


def _built(settings: dict[str, Any], engine_url: str, data_dir: str) -> System:
    description = registry.systems.get(settings["system"])
    chosen = msgspec.convert(nested(description.settings, settings["settings"]), description.settings)
    engine = OpenAIEngine(OpenAISettings(url=engine_url, requests=_REQUESTS))
    return description.build(chosen, engine, Path(data_dir))


def _told(reply: Reply) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(reply)
    return told
