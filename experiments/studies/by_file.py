"""A study of many parts: one module a part, known by being a file of the study's package.

Such a module defines ``PART`` and ``QUESTION`` (the part's name, and what it asks), ``MEASURES`` (names of metrics, the
primary ones first), ``PRIMARY`` (how many of them are), ``cells(request)`` and ``run(role)``; one whose trials a client
drives from outside the limits defines ``run_client(role)`` as well. A file named with an underscore first is none.
It may define ``REFERENCES`` and ``LOADS`` (what it adds to the study's own), and ``shapes(preset)``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import ClassVar

from experiments.measuring.records import TrialSpec
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset, Study


class StudyByFile(Study):
    """A study whose parts are the modules of the package that it is defined in."""

    references: ClassVar[tuple[str, ...]] = ()
    _modules: ClassVar[dict[str, ModuleType]]

    def __init_subclass__(cls) -> None:
        found = pkgutil.iter_modules(sys.modules[cls.__module__].__path__, f"{cls.__module__}.")
        modules = [
            importlib.import_module(each.name) for each in found if not each.name.rpartition(".")[2].startswith("_")
        ]
        cls._modules = {module.PART: module for module in modules}
        cls.parts = {name: module.QUESTION for name, module in cls._modules.items()}
        cls.measures = _once([measure for module in modules for measure in module.MEASURES])
        cls.primary = _once([measure for module in modules for measure in module.MEASURES[: module.PRIMARY]])
        cls.references = _once(
            [*cls.references, *(name for each in modules for name in getattr(each, "REFERENCES", ()))]
        )
        cls.loads = _once([*cls.loads, *(name for each in modules for name in getattr(each, "LOADS", ()))])

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of every part."""
        return [cell for module in self._modules.values() for cell in module.cells(request)]

    def shapes(self, preset: Preset) -> tuple[str, ...]:
        """Return the model shapes that its parts need besides the model of record."""
        return _once(
            [name for each in self._modules.values() if hasattr(each, "shapes") for name in each.shapes(preset)]
        )

    def has_client(self, spec: TrialSpec) -> bool:
        """Return whether the part of this trial has a client."""
        return hasattr(self._part(spec), "run_client")

    def run_subject(self, role: Role) -> None:
        """Do the part the condition names."""
        self._part(role.spec).run(role)

    def run_client(self, role: Role) -> None:
        """Do the client's side of the part the condition names."""
        self._part(role.spec).run_client(role)

    def _part(self, spec: TrialSpec) -> ModuleType:
        return self._modules[str(spec.condition["part"])]


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
