"""What the figures of frameworks share: a row a system, and in it the two conditions, which nobody compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, from_zero, row, rows_named
from experiments.report.scene import Scene, factor

CONDITIONS = {12: "one window of 12 messages", 0: "as each comes"}
"""The two conditions by their window, in words."""


class Panel(NamedTuple):
    """What a panel shows: a metric, what stands below it, by what its values are multiplied, and whether by powers."""

    metric: str
    label: str
    scale: float = 1.0
    logarithmic: bool = False


def rows_of_systems(
    scene: Scene, name: str, part: str, panels: Sequence[Panel], title: str, **factors: int
) -> list[Drawn]:
    """Return a figure with a row a system and a panel a metric; none where the first metric has no records."""
    frames = [scene.measured(panel.metric, part=part, **factors) for panel in panels]
    if frames[0].empty:
        return []
    systems = ordered(scene, frames[0])
    figure, axes = drawing.canvas(title, len(panels), height=1.7 + 0.36 * len(systems), sharey=True)
    for panel, frame, place in zip(panels, frames, axes, strict=True):
        conditions(place, frame, systems, panel.scale)
        if panel.logarithmic:
            drawing.logarithmic(place, "x")
        elif len(frame):
            from_zero(place)
        place.set_xlabel(panel.label)
    rows_named(axes[0], systems)
    labels = ", ".join(panel.label.replace("\n", " ") for panel in panels)
    alt = f"{title}. A row a system: {labels}."
    notes = [*scene.notes(frames[0]), INTERVALS]
    return [drawing.finish(figure, name, title, alt, notes, table(frames, panels))]


def conditions(axes: Axes, frame: pd.DataFrame, systems: Sequence[str], scale: float) -> None:
    """Draw the mean of every system in each condition, with its interval."""
    here = [window for window in CONDITIONS if window in set(factor(frame, "window"))]
    for place, window in enumerate(here):
        shown = frame[factor(frame, "window") == window]
        look, label = list(CONDITIONS).index(window) + 1, CONDITIONS[window]
        for at, system in enumerate(systems):
            values = scale * shown.loc[shown["subject"] == system, "value"]
            if len(values):
                row(axes, at + 0.22 * (place - (len(here) - 1) / 2), look, values, label)
                label = "_"


def ordered(scene: Scene, frame: pd.DataFrame) -> list[str]:
    """Return the systems of a frame in the order in which they are always shown."""
    return scene.subjects(set(frame["subject"]))


def table(frames: Sequence[pd.DataFrame], panels: Sequence[Panel]) -> list[tuple[str, ...]]:
    """Return the means as rows: a system in a condition, and what was measured of it."""
    found: dict[tuple[str, int], list[str]] = {}
    for at, (frame, panel) in enumerate(zip(frames, panels, strict=True)):
        for (system, window), values in frame.groupby(["subject", factor(frame, "window")])["value"]:
            cells = found.setdefault((str(system), int(str(window))), [""] * len(panels))
            cells[at] = text.significant(panel.scale * float(values.mean()), 3)
    heading = ("system", "condition", *(panel.label.replace("\n", " ") for panel in panels))
    return [heading, *((system, CONDITIONS[window], *cells) for (system, window), cells in found.items())]


def told(frame: pd.DataFrame, scene: Scene, unit: str, window: int = 12) -> str:
    """Return the means of the systems in one condition as words, the least and the most of them, for a title."""
    means = frame[factor(frame, "window") == window].groupby("subject")["value"].mean()
    names = [name for name in scene.subjects(set(means.index)) if name in means]
    if not names:
        return ""
    least, most = min(names, key=lambda name: means[name]), max(names, key=lambda name: means[name])
    if least == most:
        return f"{text.quantity(float(means[least]), unit)} ({least})"
    return f"{text.quantity(float(means[least]), unit)} ({least}) to {text.quantity(float(means[most]), unit)} ({most})"
