"""Names to implementations. Another package adds its own under an entry-point group; nothing here changes.

An implementation is imported only when it is asked for, so that listing names costs nothing and no trial pays for
a system it does not run.
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from systems.engines.interface import Engine
from systems.errors import BadInput, UnknownName
from systems.interface import System

T = TypeVar("T")


class Registry(Generic[T]):
    """Implementations of one kind, by name: the built-in ones and those of an entry-point group."""

    def __init__(self, kind: str, group: str, built_in: dict[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._built_in = built_in

    def names(self) -> list[str]:
        """Return every registered name, built-in ones first."""
        outside = sorted(point.name for point in entry_points(group=self.group))
        return [*self._built_in, *(name for name in outside if name not in self._built_in)]

    def get(self, name: str) -> type[T]:
        """Import and return the class registered as ``name``, or the one that ``module:Class`` names.

        Raises `UnknownName`, or `BadInput` if it fails.
        """
        if name in self._built_in:
            module, _, attribute = self._built_in[name].partition(":")
            found: type[T] = getattr(importlib.import_module(module), attribute)
            return found
        unregistered = [EntryPoint(name, name, self.group)] if ":" in name else []
        for point in [*entry_points(group=self.group, name=name), *unregistered]:
            try:
                loaded: Any = point.load()
            except (ImportError, AttributeError) as error:
                raise BadInput(f"The {self.kind} {name!r} ({point.value}) cannot be imported: {error}.") from error
            return loaded  # type: ignore[no-any-return]
        raise UnknownName(self.kind, name, self.names())


systems: Registry[System] = Registry(
    "system",
    "fourgig.systems",
    {
        "baseline": "systems.baseline.agent:Baseline",
        "asynchronous": "systems.asynchronous.agent:Asynchronous",
    },
)

engines: Registry[Engine] = Registry(
    "engine",
    "fourgig.engines",
    {
        "llama": "systems.engines.llama:LlamaEngine",
        "batched": "systems.engines.batched.engine:BatchedEngine",
        "openai": "systems.engines.openai:OpenAIEngine",
        "simulated": "systems.engines.simulated:SimulatedEngine",
    },
)
