"""What a system says of itself: enough to plan, list and set it without importing it.

A built-in system has a ``description.py`` beside its implementation. A class that is named by itself gets its
description from what it declares (`of_class`), and is refused in one sentence if it does not meet the contract.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec

from systems.engines.interface import AddressedEngine, Engine
from systems.errors import BadInput, told
from systems.interface import AsyncSystem, BlockingSystem, System

Value = str | int | float | bool | None

Variants = Mapping[str, Mapping[str, Value]]
"""Settings by the name of the variant."""

Topic = Literal["start", "lookup", "pruning", "history", "cache", "segmenter", "storage", "model"]
"""What the variants of a system differ in.

``start``: when it loads what it needs. ``lookup``: how it looks up its long-term memory. ``pruning``: which part of a
history it keeps. ``history``: how long a history it keeps; "unpruned" keeps all of it. ``cache``: which replies it
serves again; "none" serves none, "question" knows a reply by its question alone. ``segmenter``: by what it cuts texts
into words, where it is not the fastest one as it comes. ``storage``: in which form it keeps what was said.
``model``: who answers it; "in-process" is an object in its own process, which says words without a meaning.
"""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A system as plans, lists and reports know it.

    ``implementation`` is its class as "module:Class", imported only by the process that runs it.
    ``mechanisms`` names the settings that can be off: the rungs of the ablation ladder.
    ``variants`` are settings that studies may compare, by topic and name.
    ``reads`` names the installed packages whose files a cold start reads from the disk.
    ``fills`` is the function, as "module:function", that fills a new long-term memory with turns of the past; None:
    it cannot be filled beforehand. It takes the system's data folder, a session and the texts of its turns.
    ``asks_address`` says that it takes its engine as an address that speaks OpenAI's format, not as an object: the
    engine then runs in a process of its own. ``interpreter`` is the Python that runs it, as a path; None: the one that
    runs the lab. What such a system must be tells `systems.elsewhere.worker`; it asks an address, and holds no loop.
    ``environment`` are variables that this interpreter is started with, in place of the lab's of these names.
    ``requires`` names what it needs that a machine may lack, as studies know it (an optional package): without it its
    trials are skipped.
    """

    name: str
    summary: str
    implementation: str
    settings: type[msgspec.Struct]
    blocks: bool
    mechanisms: tuple[str, ...] = ()
    variants: Mapping[Topic, Variants] = {}
    reads: tuple[str, ...] = ()
    fills: str | None = None
    asks_address: bool = False
    interpreter: str | None = None
    environment: Mapping[str, str] = {}
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `BadInput` for what a system in another interpreter cannot be."""
        if self.interpreter is not None and (self.blocks or not self.asks_address):
            raise BadInput(
                f"The system {self.name!r} runs in another interpreter: it must not be described as blocking, and asks "
                "an address."
            )

    @property
    def module(self) -> str:
        """The module that holds the implementation."""
        return self.implementation.partition(":")[0]

    @property
    def setting_names(self) -> tuple[str, ...]:
        """The names of everything that can be set."""
        return self.settings.__struct_fields__

    def varied(self, topic: Topic) -> Variants:
        """Return the variants that differ in ``topic``; none if the system has none."""
        return self.variants.get(topic, {})

    def load(self) -> type[System]:
        """Import and return the implementation. Raises `BadInput` if it fails, or does not meet the contract."""
        kind = _loaded(self.name, self.implementation)
        problems = faults(kind)
        if not problems and kind.blocks is not self.blocks:
            problems = [f"is described as {'blocking' if self.blocks else 'not blocking'}, and its class is the other"]
        if problems:
            raise BadInput(f"The system {self.name!r} ({self.implementation}) {_listed(problems)}.")
        return kind  # type: ignore[no-any-return]

    def build(self, settings: msgspec.Struct, engine: Engine, data_dir: Path) -> System:
        """Return the system on ``engine``, not yet started. Raises `BadInput`, as `load` does.

        ``engine`` is the one that asks an address if the system asks one.
        """
        if self.interpreter is None:
            return self.load()(settings, engine, data_dir)
        if not isinstance(engine, AddressedEngine):
            raise BadInput(f"The system {self.name!r} asks an address, and the engine {engine.name} has none.")
        from systems.elsewhere.system import Elsewhere  # who has no such system needs no pipes to one

        return Elsewhere(
            msgspec.to_builtins(settings),
            engine.url,
            data_dir,
            interpreter=self.interpreter,
            implementation=self.implementation,
            environment=self.environment,
        )

    def fill(self) -> Any:
        """Import and return the function that fills a long-term memory. Raises `BadInput` if there is none."""
        if self.fills is None:
            raise BadInput(f"The long-term memory of the system {self.name!r} cannot be filled beforehand.")
        return _loaded(self.name, self.fills)


def of_class(name: str, kind: Any) -> Description:
    """Return the description of a class that was named by itself. Raises `BadInput`, naming all that is missing."""
    problems = faults(kind)
    if problems:
        raise BadInput(f"The system {name!r} {_listed(problems)}.")
    return Description(
        name=name,
        summary=kind.summary,
        implementation=f"{kind.__module__}:{kind.__qualname__}",
        settings=kind.Settings,
        blocks=kind.blocks,
    )


def faults(kind: Any) -> list[str]:
    """Return what keeps ``kind`` from being a system, each as the end of a sentence that begins with its name."""
    if not inspect.isclass(kind) or not issubclass(kind, (BlockingSystem, AsyncSystem)):
        return ["is no class derived from BlockingSystem or AsyncSystem"]
    problems = [f"has no method {name}" for name in sorted(kind.__abstractmethods__ - {"__init__"})]
    if "__init__" in kind.__abstractmethods__:
        problems.append("has no constructor")
    elif not _takes_three(kind):
        problems.append("has a constructor that does not take settings, engine and data_dir")
    if not isinstance(getattr(kind, "summary", None), str):
        problems.append("has no summary, a line of text")
    settings = getattr(kind, "Settings", None)
    if not (inspect.isclass(settings) and issubclass(settings, msgspec.Struct)):
        problems.append("has no Settings, a msgspec.Struct")
    awaited = issubclass(kind, AsyncSystem)
    for name in ("start", "answer", "close"):
        method = getattr(kind, name)
        if name not in kind.__abstractmethods__ and inspect.iscoroutinefunction(method) is not awaited:
            problems.append(f"has a method {name} that is {'not async' if awaited else 'async'}")
    return problems


def _takes_three(kind: type) -> bool:
    try:
        inspect.signature(kind).bind(None, None, None)
    except (TypeError, ValueError):  # it takes other arguments, or does not tell which
        return False
    return True


def _listed(problems: list[str]) -> str:
    return problems[0] if len(problems) == 1 else f"{', '.join(problems[:-1])}, and {problems[-1]}"


def _loaded(name: str, address: str) -> Any:
    module, _, attribute = address.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # somebody else's module may raise anything
        raise BadInput(
            f"The system {name!r} ({address}) cannot be imported: {told(error).removesuffix('.')}."
        ) from error
