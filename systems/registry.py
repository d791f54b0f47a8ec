"""Names to implementations. Another package adds its own under an entry-point group; nothing here changes.

An implementation is imported only when it is asked for, so that listing names costs nothing and no trial pays for
a system that it does not run. Of a system only the description is imported here.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

import msgspec

from systems.description import Description, of_class
from systems.engines.interface import Engine
from systems.errors import BadInput, UnknownName, told

T = TypeVar("T")


def outside_entries(group: str, name: str | None = None) -> list[EntryPoint]:
    """Return what installed packages register in ``group``, under ``name`` if one is given."""
    found = _in_group(group, tuple(sys.path))
    return [point for point in found if name in (None, point.name)]


@cache
def _in_group(group: str, _places: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of ``group``: of every package in these places a file is read, too many for each name."""
    return tuple(entry_points(group=group))


class Registry(Generic[T]):
    """Objects of one kind, by name: the built-in ones and those of an entry-point group."""

    def __init__(self, kind: str, group: str, built_in: dict[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._built_in = built_in

    def names(self) -> list[str]:
        """Return every registered name, built-in ones first."""
        outside = sorted(point.name for point in outside_entries(self.group))
        return [*self._built_in, *(name for name in outside if name not in self._built_in)]

    def built_in_names(self) -> list[str]:
        """Return the names that come with the lab."""
        return list(self._built_in)

    def address(self, name: str) -> str:
        """Return where what comes with the lab as ``name`` is, as "module:Name"."""
        return self._built_in[name]

    def get(self, name: str) -> T:
        """Import and return what is registered as ``name``, or what ``module:Name`` names.

        Raises `UnknownName`, or `BadInput` if it fails.
        """
        loaded: T = self._load(name)
        return loaded

    def _load(self, name: str) -> Any:
        if name in self._built_in:
            return EntryPoint(name, self._built_in[name], self.group).load()
        unregistered = [EntryPoint(name, name, self.group)] if ":" in name else []
        for point in [*outside_entries(self.group, name), *unregistered]:
            try:
                return point.load()
            except (Exception, SystemExit) as error:  # somebody else's module may raise anything
                raise BadInput(
                    f"The {self.kind} {name!r} ({point.value}) cannot be imported: {told(error).removesuffix('.')}."
                ) from error
        raise UnknownName(self.kind, name, self.names())


class Systems(Registry[Description]):
    """Systems by name. What another package registers, or ``module:Name`` names, may be a description or a class.

    A folder that `systems.frameworks.folders` finds is one by being there.
    """

    def names(self) -> list[str]:
        """Return every registered name: built-in ones first, then those that a person added, then other packages'."""
        from systems.frameworks import folders

        return list(dict.fromkeys([*self.built_in_names(), *folders.names(), *super().names()]))

    def built_in_names(self) -> list[str]:
        """Return the names that come with the lab."""
        from systems.frameworks import folders

        return [*super().built_in_names(), *folders.built_in()]

    def address(self, name: str) -> str:
        """Return where what comes with the lab as ``name`` is, as "module:Name"."""
        from systems.frameworks import folders

        if name in folders.built_in():
            return f"systems.frameworks.{folders.folder_name(name)}.adapter:Agent"
        return super().address(name)

    def get(self, name: str) -> Description:
        """Return the description of the system ``name``, without importing its implementation if it has one.

        Raises `UnknownName`, and `BadInput` for a class that does not meet the contract.
        """
        loaded = self._load(name)
        if not isinstance(loaded, Description):
            return of_class(name, loaded)
        # A description that is named by its module is known by that name everywhere.
        return loaded if loaded.name == name else msgspec.structs.replace(loaded, name=name)

    def _load(self, name: str) -> Any:
        if name not in self._built_in:
            from systems.frameworks import describing, folders  # no trial pays for them but those of such a system

            if (framework := folders.find(name)) is not None:
                return describing.describe(framework)
        return super()._load(name)


systems = Systems(
    "system",
    "fourgig.systems",
    {
        "baseline": "systems.baseline.description:DESCRIPTION",
        "asynchronous": "systems.asynchronous.description:DESCRIPTION",
        "tiered": "systems.tiered.description:DESCRIPTION",
        "pooled": "systems.pooled.description:DESCRIPTION",
        "per-process": "systems.per_process.description:DESCRIPTION",
        "objects": "systems.objects.description:DESCRIPTION",
        "research": "systems.research.description:DESCRIPTION",
        "research-sequential": "systems.research.description:SEQUENTIAL",
        "agenticaiframework": "systems.agenticaiframework.description:DESCRIPTION",
    },
)

engines: Registry[type[Engine]] = Registry(
    "engine",
    "fourgig.engines",
    {
        "llama": "systems.engines.llama:LlamaEngine",
        "batched": "systems.engines.batched.engine:BatchedEngine",
        "openai": "systems.engines.openai:OpenAIEngine",
        "simulated": "systems.engines.simulated:SimulatedEngine",
    },
)
