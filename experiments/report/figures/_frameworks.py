"""What the figures of frameworks share: a row a system, and in it the two conditions, which nobody compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis.frames import as_they_come
from experiments.report import drawing, text
from experiments.report.drawing import MARKERS, PALETTE, Drawn
from experiments.report.figures._blocks import INTERVALS, from_zero, row, rows_named
from experiments.report.scene import Scene, factor
from experiments.workloads.framework_levels import WINDOW, WINDOWS


class Panel(NamedTuple):
    """What a panel shows: a metric, what stands below it, by what its values are multiplied, and whether by powers."""

    metric: str
    label: str
    scale: float = 1.0
    logarithmic: bool = False


class RowLevels(NamedTuple):
    """What is told apart within a row: a factor, and the words for each of its levels, in order."""

    factor: str
    words: Mapping[int, str]

    def of(self, frame: pd.DataFrame) -> list[int]:
        """Return those that a frame has."""
        return [level for level in self.words if level in set(factor(frame, self.factor))]


CONDITIONS = RowLevels("window", WINDOWS)
"""The two conditions."""


def rows_of_systems(
    scene: Scene,
    name: str,
    part: str,
    panels: Sequence[Panel],
    title: str,
    levels: RowLevels = CONDITIONS,
    **factors: int,
) -> list[Drawn]:
    """Return a figure with a row a system and a panel a metric; none where the first metric has no records."""
    frames = [scene.measured(panel.metric, part=part, **factors) for panel in panels]
    if frames[0].empty:
        return []
    systems = ordered(scene, frames[0])
    figure, axes = drawing.canvas(title, len(panels), height=1.7 + 0.36 * len(systems), sharey=True)
    for panel, frame, place in zip(panels, frames, axes, strict=True):
        draw_levels(place, frame, systems, panel.scale, levels)
        if panel.logarithmic:
            drawing.logarithmic(place, "x")
        elif len(frame):
            from_zero(place)
        place.set_xlabel(panel.label)
    rows_named(axes[0], systems)
    labels = ", ".join(panel.label.replace("\n", " ") for panel in panels)
    alt = f"{title}. A row a system: {labels}."
    notes = [*scene.notes(frames[0]), INTERVALS]
    return [drawing.finish(figure, name, title, alt, notes, table(frames, panels, levels))]


def draw_levels(
    axes: Axes, frame: pd.DataFrame, systems: Sequence[str], scale: float, levels: RowLevels = CONDITIONS
) -> None:
    """Draw the mean of every system at each level, with its interval."""
    here = levels.of(frame)
    for place, level in enumerate(here):
        shown = frame[factor(frame, levels.factor) == level]
        look, label = list(levels.words).index(level) + 1, levels.words[level]
        for at, system in enumerate(systems):
            values = scale * shown.loc[shown["subject"] == system, "value"]
            if len(values):
                row(axes, at + 0.22 * (place - (len(here) - 1) / 2), look, values, label)
                label = "_"


def ordered(scene: Scene, frame: pd.DataFrame) -> list[str]:
    """Return the systems of a frame in the order in which they are always shown."""
    return scene.subjects(set(frame["subject"]))


def table(frames: Sequence[pd.DataFrame], panels: Sequence[Panel], levels: RowLevels) -> list[tuple[str, ...]]:
    """Return the means as rows: a system at a level, and what was measured of it."""
    found: dict[tuple[str, int], list[str]] = {}
    for at, (frame, panel) in enumerate(zip(frames, panels, strict=True)):
        for (system, level), values in frame.groupby(["subject", factor(frame, levels.factor)])["value"]:
            cells = found.setdefault((str(system), int(str(level))), [""] * len(panels))
            cells[at] = text.significant(panel.scale * float(values.mean()), 3)
    heading = ("system", "condition", *(panel.label.replace("\n", " ") for panel in panels))
    return [heading, *((system, levels.words[level], *cells) for (system, level), cells in found.items())]


def stated(frame: pd.DataFrame) -> int:
    """Return the condition of which a title speaks: one window, or, where that was not measured, as each comes."""
    return next(iter(CONDITIONS.of(frame)), WINDOW)


def in_words(window: int) -> str:
    """Return how a title says of which condition it speaks."""
    return f"with {WINDOWS[window]}" if window else WINDOWS[window]


def told(frame: pd.DataFrame, scene: Scene, unit: str) -> str:
    """Return the means of the systems in a frame as words, the least and the most of them, for a title.

    Variants of a system are not among them.
    """
    means = frame[frame["subject"].isin(as_they_come(scene.trials))].groupby("subject")["value"].mean()
    names = [name for name in scene.subjects(set(means.index)) if name in means]
    if not names:
        return ""
    least, most = min(names, key=lambda name: means[name]), max(names, key=lambda name: means[name])
    if least == most:
        return f"{text.quantity(float(means[least]), unit)} ({least})"
    return f"{text.quantity(float(means[least]), unit)} ({least}) to {text.quantity(float(means[most]), unit)} ({most})"


def look(scene: Scene, system: str) -> dict[str, Any]:
    """Return the colour and marker of a system: of more systems than colours those of one colour differ in marker."""
    place = scene.place(system)
    return {**drawing.look(place), "marker": MARKERS[(place + place // len(PALETTE)) % len(MARKERS)]}


def spread(heights: Iterable[float], apart: float, top: float) -> list[float]:
    """Return ``heights``, which rise, moved up as little as lets them be so far ``apart``, and none above ``top``."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + apart) if found else height)
    for place in reversed(range(len(found))):
        found[place] = min(found[place], top - apart * (len(found) - 1 - place))
    return found
