"""What figures of several ways share: values over the reference's in their block, and a row of points a way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from experiments.report import drawing
from experiments.report.figures.kinds import interval

POINTS = "a point a trial, the bar their mean"
SPANS = "points: means over blocks; lines: 95 % intervals, of fewer than six blocks the range"

_KEYS = ["condition", "block"]


def over_reference(frame: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the rows of the other subjects, with ``over``: value ÷ the reference's of the same condition and block."""
    base = frame[frame["subject"] == reference].set_index(_KEYS)["value"]
    others = frame[frame["subject"] != reference].set_index(_KEYS)
    others = others[others.index.isin(base.index)]
    return others.assign(over=others["value"] / base.reindex(others.index)).reset_index()


def mean_ratio(ratios: pd.Series[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.log(ratios).mean()))


def line(axes: Axes, place: int, ratios: pd.Series[float], over: pd.Series[float], label: str) -> None:
    """Draw geometric means of ``ratios`` over what they are over, with their intervals."""
    look = drawing.look(place)
    logs = ratios.map(math.log)
    means = np.exp(logs.groupby(over).mean())
    axes.plot(means.index, means, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)
    for at, some in logs.groupby(over):
        axes.plot([at, at], np.exp(interval(some)), marker="", linewidth=1.8, color=look["color"])


def rows(axes: Axes, values: Mapping[str, Sequence[float]], places: Sequence[int], label: str) -> list[str]:
    """Draw a row of points and their mean for each name, from the top; return the means as they are told.

    ``places`` are the rows' colours, by the place of their subject. A name without values keeps its row.
    """
    told = []
    for row, (some, place) in enumerate(zip(values.values(), places, strict=True)):
        if not some:
            told.append("")
            continue
        look, mean = drawing.look(place), sum(some) / len(some)
        axes.plot(some, [row] * len(some), linestyle="none", alpha=0.5, markersize=5, clip_on=False, **look)
        axes.plot([mean] * 2, [row - 0.25, row + 0.25], color=look["color"], linewidth=2)
        told.append(f"{mean:.4g}")
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel(label)
    return told


def values_of(frame: pd.DataFrame, subjects: Sequence[str], scale: float = 1.0) -> dict[str, list[float]]:
    """Return the values of each subject, times ``scale``."""
    return {name: [float(each) * scale for each in frame.loc[frame["subject"] == name, "value"]] for name in subjects}


def table(heading: Sequence[str], names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """Return the rows of a figure's table: a name and its value in each column."""
    return [tuple(heading), *((name, *map(str, each)) for name, *each in zip(names, *columns, strict=True))]
