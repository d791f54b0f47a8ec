"""The figures of each study: one module a study, found by the study's name, or a package with a module a part.

A module defines ``draw(scene)``, which returns the figures its records allow, possibly none. A study without a
module is reported in tables alone. Another package adds figures under the entry-point group ``fourgig.figures``: each
entry has a study's name and names such a module. They follow the study's own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from importlib.metadata import EntryPoint

import msgspec

from experiments.errors import reason
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures import claims as claims
from experiments.report.figures import conclusions as conclusions
from experiments.report.figures import decision_map as decision_map
from experiments.report.scene import Scene
from systems.errors import BadInput
from systems.registry import outside_entries

GROUP = "fourgig.figures"


class OutsideFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that other packages draw of a study, and a sentence for each package that failed to."""

    figures: list[Drawn]
    refused: list[str]


def draw(scene: Scene, *, titled: bool = True) -> list[Drawn]:
    """Return the lab's own figures of one study's records; without their titles for a page that has captions."""
    module = scene.name.replace("-", "_")
    if module not in {each.name for each in pkgutil.iter_modules(__path__)}:
        return []
    found = importlib.import_module(f"{__name__}.{module}")
    # Those of a package in order of their names.
    parts = [f"{found.__name__}.{part.name}" for part in pkgutil.iter_modules(getattr(found, "__path__", []))]
    with drawing.style(titled=titled):
        return [drawn for name in parts or [found.__name__] for drawn in importlib.import_module(name).draw(scene)]


def draw_outside(scene: Scene, taken: Iterable[str] = ()) -> OutsideFigures:
    """Return the figures that other packages draw of one study's records; none may have a name of ``taken``.

    What a package fails at costs its own figures and no others.
    """
    names, figures, refused = set(taken), [], []
    for point in sorted(outside_entries(GROUP, scene.name), key=lambda point: point.value):
        try:
            with drawing.style():
                drawn = _drawn(point, scene, names)
        except Exception as error:  # noqa: BLE001 - another package may raise anything
            refused.append(f"The figures {point.value!r} of the study {scene.name} cannot be drawn: {reason(error)}.")
        else:
            figures += drawn
            names.update(figure.name for figure in drawn)
    return OutsideFigures(figures=figures, refused=refused)


def _drawn(point: EntryPoint, scene: Scene, taken: set[str]) -> list[Drawn]:
    """Return what an entry's module draws. Raises `BadInput`, and whatever the module raises."""
    draw_figures = getattr(point.load(), "draw", None)
    if draw_figures is None:
        raise BadInput("the module has no draw(scene)")
    drawn = list(draw_figures(scene))
    if not all(isinstance(figure, Drawn) for figure in drawn):
        raise BadInput("draw(scene) must return what experiments.report.drawing.finish makes")
    for figure in drawn:
        if figure.name in taken:
            raise BadInput(f"there already is a figure called {figure.name}")
    return drawn
