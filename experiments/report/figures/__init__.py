"""The figures of each study: one module a study, found by the study's name.

A module defines ``draw(scene)``, which returns the figures its records allow, possibly none. A study without a
module is reported in tables alone.
"""

from __future__ import annotations

import importlib
import pkgutil

from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures import answers as answers
from experiments.report.figures import claims as claims
from experiments.report.scene import Scene


def draw(scene: Scene, *, titled: bool = True) -> list[Drawn]:
    """Return the figures of one study's records; without their titles for a page that has captions."""
    module = scene.name.replace("-", "_")
    if module not in {found.name for found in pkgutil.iter_modules(__path__)}:
        return []
    with drawing.style(titled=titled):
        drawn: list[Drawn] = importlib.import_module(f"{__name__}.{module}").draw(scene)
    return drawn
