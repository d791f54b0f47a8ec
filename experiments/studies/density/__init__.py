"""How many live agents fit into a small machine's memory, and what does each mechanism save?

One module a part, known by being a file here: it defines ``PART`` and ``QUESTION`` (the part's name, and what it asks),
``MEASURES`` (names of metrics, the primary ones first), ``PRIMARY`` (how many of them are), ``cells(request)`` and
``run(role)``; one whose trials a client drives from outside the limits defines ``run_client(role)`` as well.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import ClassVar

from experiments.measuring.records import TrialSpec
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Study

_MODULES: dict[str, ModuleType] = {
    module.PART: module
    for module in (
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
        if not found.name.startswith("_")
    )
}


class Density(Study):
    """Live agents under a limit, memory over conversations, and what each mechanism of the tiered agent saves."""

    name = "density"
    question = "How many live agents fit into a small machine's memory, and what does each mechanism save?"
    parts: ClassVar[Mapping[str, str]] = {name: module.QUESTION for name, module in _MODULES.items()}
    references = ("per-process", "objects", "baseline", "none", "full", "float", "private", "exact", "threshold")
    measures = tuple(dict.fromkeys(measure for module in _MODULES.values() for measure in module.MEASURES))
    primary = tuple(
        dict.fromkeys(measure for module in _MODULES.values() for measure in module.MEASURES[: module.PRIMARY])
    )

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of every part."""
        return [cell for module in _MODULES.values() for cell in module.cells(request)]

    def has_client(self, spec: TrialSpec) -> bool:
        """Return whether the part of this trial has a client."""
        return hasattr(_part(spec), "run_client")

    def run_subject(self, role: Role) -> None:
        """Do the part the condition names."""
        _part(role.spec).run(role)

    def run_client(self, role: Role) -> None:
        """Do the client's side of the part the condition names."""
        _part(role.spec).run_client(role)


def _part(spec: TrialSpec) -> ModuleType:
    return _MODULES[str(spec.condition["part"])]
