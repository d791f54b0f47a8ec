"""What figures share that show values of blocks: changes against a reference, and means with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from experiments.report import drawing, text
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene

INTERVALS = "points: means over blocks; lines: 95 % intervals, of fewer than six blocks the range"
"""What a note says where `curve`, `row` or `in_rows` drew."""

POINTS = "a point a trial, the bar their mean"
"""What a note says where `scattered` drew."""

_KEYS = ["condition", "block"]


def over_reference(frame: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the rows of the others, with ``ratio``: value ÷ the reference's of the same condition and block."""
    base = frame[frame["subject"] == reference].set_index(_KEYS)["value"]
    others = frame[frame["subject"] != reference].set_index(_KEYS)
    others = others[others.index.isin(base.index)]
    return others.assign(ratio=others["value"] / base.reindex(others.index)).reset_index()


def changes(frame: pd.DataFrame, reference: str, subject: str | None = None) -> pd.DataFrame:
    """Return these rows, or those of ``subject`` alone, with their ``change`` against the reference, in percent."""
    shown = frame if subject is None else frame[frame["subject"].isin([reference, subject])]
    others = over_reference(shown, reference)
    return others.assign(change=100 * (others["ratio"] - 1))


def mean_ratio(ratios: pd.Series[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.log(ratios).mean()))


def noted(scene: Scene, frame: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return what the subject of each row noted as ``name``; nothing where it did not."""
    records = {record.key: record.part() for record in scene.records}
    values = []
    for key in frame["key"]:
        part = records.get(key)
        values.append(float("nan") if part is None else part.values.get(name, float("nan")))
    return pd.Series(values, index=frame.index, dtype=float)


def values_of(frame: pd.DataFrame, subjects: Sequence[str], scale: float = 1.0) -> dict[str, list[float]]:
    """Return the values of each subject, times ``scale``."""
    return {name: [float(each) * scale for each in frame.loc[frame["subject"] == name, "value"]] for name in subjects}


def table(heading: Sequence[str], names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """Return the rows of a figure's table: a name and its value in each column."""
    return [tuple(heading), *((name, *map(str, each)) for name, *each in zip(names, *columns, strict=True))]


def curve(
    axes: Axes, place: int, values: pd.Series[float], over: pd.Series[float], label: str, *, geometric: bool = False
) -> None:
    """Draw means over what they are over, each with its interval; ``place`` is the colour and marker.

    ``geometric`` is for ratios: their means and intervals are those of the logarithms.
    """
    if values.empty:
        return
    look, drawn = drawing.look(place), values.map(math.log) if geometric else values
    means = drawn.groupby(over).mean()
    shown = np.exp(means) if geometric else means
    axes.plot(means.index, shown, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)
    for at, some in drawn.groupby(over):
        ends = np.exp(interval(some)) if geometric else interval(some)
        axes.plot([at, at], ends, marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")


def row(axes: Axes, at: float, place: int, values: pd.Series[float], label: str = "_") -> None:
    """Draw the mean of ``values`` and its interval at a height; ``place`` is the colour and marker."""
    if values.empty:
        return
    look: dict[str, Any] = drawing.look(place)
    axes.plot(interval(values), [at, at], marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
    look |= {"linestyle": "none", "markersize": 6, "markeredgecolor": "white", "clip_on": False}
    axes.plot([values.mean()], [at], label=label, **look)


def in_rows(
    axes: Axes, frame: pd.DataFrame, rows: Mapping[str, str], subjects: Sequence[str], scale: float = 1.0
) -> None:
    """Draw each subject's mean in every row, with its interval.

    ``frame`` has the columns ``row``, ``subject`` and ``value``; ``rows`` are the rows in order, with their words.
    """
    for place, subject in enumerate(subjects):
        for height, name in enumerate(rows):
            values = frame[(frame["row"] == name) & (frame["subject"] == subject)]["value"] * scale
            row(axes, height + 0.16 * (place - (len(subjects) - 1) / 2), place, values, text.plain(subject))
    rows_named(axes, list(rows.values()))


def scattered(axes: Axes, values: Mapping[str, Sequence[float]], places: Sequence[int], label: str) -> list[str]:
    """Draw a row of points and their mean for each name, from the top; return the means as they are told.

    ``places`` are the rows' colours, by the place of their subject. A name without values keeps its row.
    """
    told = []
    for at, (some, place) in enumerate(zip(values.values(), places, strict=True)):
        if not some:
            told.append("")
            continue
        look, mean = drawing.look(place), sum(some) / len(some)
        axes.plot(some, [at] * len(some), linestyle="none", alpha=0.5, markersize=5, clip_on=False, **look)
        axes.plot([mean] * 2, [at - 0.25, at + 0.25], color=look["color"], linewidth=2)
        told.append(f"{mean:.4g}")
    rows_named(axes, list(values))
    axes.set_xlabel(label)
    return told


def rows_named(axes: Axes, names: list[str]) -> None:
    """Name the heights from the top down."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def from_zero(axes: Axes) -> None:
    """Begin the values of rows at 0, with room for the largest."""
    axes.set_xlim(0, 1.08 * axes.dataLim.xmax or 1.0)


def logarithmic_with_zero(axes: Axes, along: Literal["x", "y"], linear_to: float) -> None:
    """Make an axis logarithmic beyond ``linear_to``, and linear from there to 0, with its numbers written out."""
    scale, axis = (axes.set_xscale, axes.xaxis) if along == "x" else (axes.set_yscale, axes.yaxis)
    scale("symlog", linthresh=linear_to)
    axis.set_major_locator(_WithZero(linear_to))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


class _WithZero(SymmetricalLogLocator):
    """Marks for powers of ten and zero; those of a linear axis where all that is in view is linear."""

    def __init__(self, linear_to: float) -> None:
        super().__init__(base=10, linthresh=linear_to)
        self._linear_to = linear_to

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return where the marks of this view stand."""
        if max(abs(vmin), abs(vmax)) < self._linear_to:
            return MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(vmin, vmax)
        return super().tick_values(vmin, vmax)
