"""Hierarchical memory: how many tasks succeed with each kind of memory, soon and late, and how long prompts become."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_PART = "hierarchy"
_LABELS = {
    "short-term": "the last messages",
    "long-term": "what is looked up",
    "hierarchical": "both",
    "one-list": "all in one list",
}
"""Subjects in words, in the order in which they are shown; the place is the colour."""

_REFERENCE, _BOTH = "short-term", "hierarchical"
_TASKS = "support"  # which every preset has
_WHEN = {"": "all tasks", "_soon": "told three\nturns before", "_late": "told twenty\nor more before"}
_WORKS = {"no model": "tasks_in_prompt", "own words": "tasks_answered"}
_SAID = {"no model": "the prompt held the value", "own words": "the model said the value"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``hierarchy``, as far as there are records."""
    frames = {work: _longest(scene.measured(metric, part=_PART, work=work)) for work, metric in _WORKS.items()}
    works = [work for work, frame in frames.items() if len(frame)]
    if "no model" not in works:
        return []
    title = _title(frames)
    figure, panels = drawing.canvas(title, len(works), rows=1, height=4.3, sharey=True)
    rows: list[tuple[str, ...]] = [("work", "memory", *(label.replace("\n", " ") for label in _WHEN.values()))]
    for axes, work in zip(panels, works, strict=True):
        turns = int(factor(frames[work], "turns").iloc[0])
        shown: dict[str, list[str]] = {}
        for column, suffix in enumerate(_WHEN):
            found = _longest(scene.measured(_WORKS[work] + suffix, part=_PART, work=work))
            for place, name in enumerate(_LABELS):
                values = 100 * found.loc[found["subject"] == name, "value"]
                if len(values):
                    _point(axes, place, column, values)
                    shown.setdefault(name, []).append(text.significant(float(values.mean())))
        rows += [(f"{work}, {turns} turns", _LABELS[name], *values) for name, values in shown.items()]
        _claimed(axes, frames[work])
        axes.set_xticks(range(len(_WHEN)), list(_WHEN.values()))
        axes.set_xlim(-0.5, len(_WHEN) - 0.5)
        axes.set_title(f"{_SAID[work]}, {turns} turns")
    for place, (name, label) in enumerate(_LABELS.items()):
        if any(name in set(frame["subject"]) for frame in frames.values()):
            panels[0].plot([], [], linestyle="none", markersize=6, label=label, **drawing.look(place))
    panels[0].set_ylim(0, 103)
    panels[0].set_ylabel("tasks that succeed (%)")
    alt = f"{title}. Share of tasks that succeed, a panel a kind of work, by when the value was told and by memory."
    notes = [
        "points: means over blocks; bars: 95 % intervals, of fewer than six blocks the range",
        *scene.notes(*(frames[work] for work in works)),
    ]
    return [drawing.finish(figure, "strategies-hierarchy", title, alt, notes, rows)]


def _longest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the longest conversations, of one kind where there are several."""
    if frame.empty:
        return frame
    kinds = factor(frame, "tasks")
    mine: pd.DataFrame = frame[kinds == (_TASKS if _TASKS in set(kinds) else kinds.iloc[0])]
    turns = factor(mine, "turns")
    longest: pd.DataFrame = mine[turns == turns.max()]
    return longest


def _title(frames: dict[str, pd.DataFrame]) -> str:
    told = []
    for work, frame in frames.items():
        means = frame.groupby("subject")["value"].mean()
        if {_REFERENCE, _BOTH} <= set(means.index):
            told.append(f"{text.share(means[_BOTH])} instead of {text.share(means[_REFERENCE])} ({_SAID[work]})")
    return f"With what is looked up beside the last messages, tasks succeed: {', '.join(told)}" if told else _PART


def _claimed(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw where the published gain would lie, from the mean of the last messages alone."""
    claim = claims.get("S2-hierarchy")
    before = frame.loc[frame["subject"] == _REFERENCE, "value"]
    if claim.low is not None and claim.high is not None and len(before):
        low, high = (100 * float(before.mean()) * (1 + change / 100) for change in (claim.low, claim.high))
        drawing.ends(axes, claim, low, high, f"published: {claim.figure}, all tasks", "y")


def _point(axes: Any, place: int, column: int, values: pd.Series[float]) -> None:
    look = drawing.look(place)
    at = column + 0.16 * (place - (len(_LABELS) - 1) / 2)
    axes.plot([at, at], interval(values), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
    axes.plot([at], [values.mean()], linestyle="none", markersize=6, markeredgecolor="white", **look)
