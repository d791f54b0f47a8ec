"""What several figures draw of a way against its reference: the change within blocks, and a mean with its interval."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from experiments.report import drawing
from experiments.report.figures.kinds import interval

INTERVALS = "points: means over blocks; lines: 95 % intervals, of fewer than six blocks the range"
"""What a figure says that draws with `mean`."""


def changes(frame: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the rows of the others with their ``change`` against the reference in the same block, in percent."""
    keys = ["condition", "block"]
    before = frame[frame["subject"] == reference].set_index(keys)["value"]
    others = frame[frame["subject"] != reference].set_index(keys)
    others = others[others.index.isin(before.index)]
    return others.assign(change=100 * (others["value"] / before.reindex(others.index) - 1)).reset_index()


def mean(axes: Axes, values: pd.Series[float], row: float, place: int, label: str) -> None:
    """Draw the mean of ``values`` along x with its interval, in a row; ``place`` is its colour and marker."""
    if values.empty:
        return
    look = drawing.look(place)
    axes.plot(interval(values), [row, row], marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
    axes.plot([values.mean()], [row], linestyle="none", markersize=6, markeredgecolor="white", label=label, **look)


def named(axes: Axes, names: list[str]) -> None:
    """Name the rows, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
