"""Marks that several figures share: means of blocks with their intervals, in rows of conditions or over a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from experiments.report import drawing, text
from experiments.report.figures.kinds import interval

INTERVALS = "points: means of the blocks; lines: 95 % intervals, of fewer than six blocks the range"


def in_rows(
    axes: Axes, frame: pd.DataFrame, rows: Mapping[str, str], subjects: Sequence[str], scale: float = 1.0
) -> None:
    """Draw each subject's mean in every row, with its interval.

    ``frame`` has the columns ``row``, ``subject`` and ``value``; ``rows`` are the rows in order, with their words.
    """
    for place, subject in enumerate(subjects):
        look, at, means = drawing.look(place), [], []
        for height, row in enumerate(rows):
            values = frame[(frame["row"] == row) & (frame["subject"] == subject)]["value"] * scale
            if values.empty:
                continue
            shifted = height + 0.16 * (place - (len(subjects) - 1) / 2)
            axes.plot(interval(values), [shifted] * 2, marker="", linewidth=1.5, color=look["color"])
            at.append(shifted)
            means.append(values.mean())
        label = text.plain(subject)
        axes.plot(means, at, linestyle="none", markersize=6, markeredgecolor="white", label=label, **look)
    axes.set_yticks(range(len(rows)), list(rows.values()))
    axes.set_ylim(len(rows) - 0.5, -0.5)


def over(axes: Axes, frame: pd.DataFrame, place: int, label: str) -> None:
    """Draw the mean of ``value`` over ``at`` as a line with intervals."""
    look = drawing.look(place)
    means = frame.groupby("at")["value"].mean()
    axes.plot(means.index, means, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)
    for place_of, some in frame.groupby("at")["value"]:
        at = float(str(place_of))
        axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")


def changes(frame: pd.DataFrame, subject: str, reference: str) -> pd.DataFrame:
    """Return the change of the subject's values against the reference's in the same block and condition, in percent."""
    keys = ["condition", "block"]
    before = frame[frame["subject"] == reference].set_index(keys)["value"]
    after = frame[frame["subject"] == subject].set_index(keys)
    after = after[after.index.isin(before.index)]
    return after.assign(value=100 * (after["value"] / before.reindex(after.index) - 1)).reset_index()
