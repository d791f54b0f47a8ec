"""What the figures of processes, workers and collectors share: changes within blocks, curves and rows of points."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from experiments.report import drawing
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene

INTERVALS = "points: means over blocks; lines: 95 % intervals, of fewer than six blocks the range"
"""What a note says where `curve` or `row` drew."""


def changes(frame: pd.DataFrame, subject: str, reference: str) -> pd.DataFrame:
    """Return the rows of ``subject`` with their ``change``, in percent, against ``reference`` in the same block."""
    keys = ["condition", "block"]
    before = frame[frame["subject"] == reference].set_index(keys)["value"]
    mine = frame[frame["subject"] == subject].set_index(keys)
    mine = mine[mine.index.isin(before.index)]
    return mine.assign(change=100 * (mine["value"] / before.reindex(mine.index) - 1)).reset_index()


def noted(scene: Scene, frame: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return what the subject of each row noted as ``name``; nothing where it did not."""
    records = {record.key: record.part() for record in scene.records}
    values = []
    for key in frame["key"]:
        part = records.get(key)
        values.append(float("nan") if part is None else part.values.get(name, float("nan")))
    return pd.Series(values, index=frame.index, dtype=float)


def curve(axes: Axes, place: int, values: pd.Series[float], over: pd.Series[float], label: str) -> None:
    """Draw means over what they are over, each with its interval."""
    if values.empty:
        return
    look = drawing.look(place)
    means = values.groupby(over).mean()
    axes.plot(means.index, means, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)
    for at, some in values.groupby(over):
        axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")


def row(axes: Axes, at: float, place: int, values: pd.Series[float], label: str = "_") -> None:
    """Draw the mean of ``values`` and its interval at a height."""
    if values.empty:
        return
    look: dict[str, Any] = drawing.look(place)
    axes.plot(interval(values), [at, at], marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
    look |= {"linestyle": "none", "markersize": 6, "markeredgecolor": "white", "clip_on": False}
    axes.plot([values.mean()], [at], label=label, **look)


def from_zero(axes: Axes) -> None:
    """Begin the values of rows at 0, with room for the largest."""
    axes.set_xlim(0, 1.08 * axes.dataLim.xmax or 1.0)


def logarithmic_with_zero(axes: Axes, along: Literal["x", "y"], linear_to: float) -> None:
    """Make an axis logarithmic beyond ``linear_to``, and linear from there to 0, with its numbers written out."""
    scale = axes.set_xscale if along == "x" else axes.set_yscale
    scale("symlog", linthresh=linear_to)
    (axes.xaxis if along == "x" else axes.yaxis).set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def rows_named(axes: Axes, names: list[str]) -> None:
    """Name the heights from the top down."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
