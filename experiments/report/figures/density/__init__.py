"""Figures of how many agents fit, and of what each mechanism saves: one module a part of the study."""

from __future__ import annotations

import importlib
import pkgutil

from experiments.report.drawing import Drawn
from experiments.report.scene import Scene


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures that the records allow, those of each module in order of their names."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return [figure for module in modules for figure in module.draw(scene)]
