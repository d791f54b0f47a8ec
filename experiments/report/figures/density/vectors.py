"""Vectors: what fewer bits a number find of the nearest ten, and what the process takes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_MIB = 2**20
_ORDER = ("float", "int8", "int4", "int4-rescored", "bits", "bits-rescored")


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``vectors``, as far as there are records."""
    found, taken = scene.measured("nearest_recall", part="vectors"), scene.measured("vectors_anonymous", part="vectors")
    if found.empty or taken.empty:
        return []
    conditions = sorted(
        {(str(kind), int(count)) for kind, count in _places(found)}, key=lambda each: (each[1], each[0])
    )
    kind, count = conditions[-1]
    most = found[[place == (kind, count) for place in _places(found)]].groupby("subject")["value"].mean()
    held = taken[[place == (kind, count) for place in _places(taken)]].groupby("subject")["value"].mean()
    told = "; ".join(
        f"{subject} finds {text.significant(100 * most[subject])} % (in {text.quantity(held[subject], 'bytes')})"
        for subject in ("float", "int8", "int4")
        if subject in most and subject in held
    )
    title = f"Of the ten nearest of {count:,} vectors {told}"
    figure, panels = drawing.canvas(title, 2, sharey=True, height=2.4 + 0.42 * len(conditions))
    subjects = [subject for subject in _ORDER if subject in set(found["subject"])]
    for axes, frame, scale in ((panels[0], found, 100.0), (panels[1], taken, 1 / _MIB)):
        for place, subject in enumerate(subjects):
            _points(axes, frame[frame["subject"] == subject], conditions, place, len(subjects), scale)
    claim = claims.get("S1-int8")
    if claim.at_least is not None:
        label = f"claimed: {100 * claim.at_least:g} % or more"
        drawing.ends(panels[0], claim, 100 * claim.at_least, 100, label, "x")
    panels[0].set_xlabel("recall of the nearest ten (%)")
    panels[1].set_xlabel("anonymous memory of the process (MiB)")
    panels[1].set_xlim(left=0)
    panels[0].set_yticks(range(len(conditions)), [f"{text.plain(kind)}\n{count:,}" for kind, count in conditions])
    panels[0].set_ylim(len(conditions) - 0.5, -0.5)
    alt = f"{title}. Recall of the ten nearest, and memory of the process, a line a kind and number of vectors."
    notes = [
        *scene.notes(found, taken),
        "rescored: a hundred rows are looked at again, in eight bits, in a mapped file",
        "lines: 95 % intervals, of fewer than six blocks the range",
    ]
    return [drawing.finish(figure, "density-vectors", title, alt, notes)]


def _places(frame: pd.DataFrame) -> list[tuple[Any, Any]]:
    return list(zip(factor(frame, "vectors"), factor(frame, "count"), strict=True))


def _points(
    axes: Any, mine: pd.DataFrame, conditions: list[tuple[str, int]], place: int, places: int, scale: float
) -> None:
    """Draw a subject's mean in each condition with its interval, beside those of the others."""
    look = drawing.look(place)
    at, means = [], []
    where = _places(mine)
    for row, condition in enumerate(conditions):
        values = mine[[each == condition for each in where]]["value"] * scale
        if values.empty:
            continue
        height = row + 0.12 * (place - (places - 1) / 2)
        axes.plot(*(interval(values), [height, height]), marker="", linewidth=1.4, color=look["color"])
        at.append(height)
        means.append(values.mean())
    label = text.plain(str(mine["subject"].iloc[0]))
    axes.plot(means, at, linestyle="none", markersize=5.5, markeredgecolor="white", label=label, **look)
