"""The tiered agent's ladder: memory and tasks with each mechanism added to none, and taken away from all."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis.frames import where
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene

_MIB = 2**20
_ENDS = {"add-one": "none", "leave-one-out": "all"}
_HOW = {"add-one": "Added alone", "leave-one-out": "Left out of all"}


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure a direction of the ladder, as far as there are records."""
    return [figure for direction in _ENDS for figure in _ladder(scene, direction)]


def _ladder(scene: Scene, direction: str) -> list[Drawn]:
    memory = where(scene.measured("anonymous_mean", part="timeline", ladder=direction))
    tasks = where(scene.measured("tasks_in_prompt", part="timeline", ladder=direction))
    end = _ENDS[direction]
    if memory.empty or end not in set(memory["subject"]):
        return []
    means = memory.groupby("subject")["value"].mean()
    moves = (means.drop(labels=list(_ENDS.values()), errors="ignore") - means[end]).abs().sort_values(ascending=False)
    most = "no mechanism was tried" if moves.empty else _most(scene, str(moves.index[0]), means, end)
    title = f"{scene.lead(memory)}{_HOW[direction]}: {most}"
    subjects = scene.subjects(memory["subject"])
    figure, (left, right) = drawing.canvas(title, 2, height=1.9 + 0.24 * len(subjects), sharey=True)
    for row, subject in enumerate(subjects):
        _row(left, memory[memory["subject"] == subject]["value"] / _MIB, row)
        _row(right, tasks[tasks["subject"] == subject]["value"] * 100, row)
    left.axvline(means[end] / _MIB, color=drawing.GREY, linewidth=0.8, label=f"mean of {end}")
    right.axvline(tasks[tasks["subject"] == end]["value"].mean() * 100, color=drawing.GREY, linewidth=0.8)
    left.set_yticks(range(len(subjects)), [text.plain(subject) for subject in subjects])
    left.set_ylim(len(subjects) - 0.5, -0.5)
    left.set_xlim(left=0)
    left.set_xlabel("mean anonymous memory (MiB)")
    right.set_xlim(-3, 103)
    right.set_xlabel("tasks that succeeded (%)")
    alt = f"{title}. Mean anonymous memory and the share of tasks that succeeded, a row a rung of the ladder."
    notes = [
        "a task succeeds if the prompt held its value",
        "bars are 95 % intervals of the mean, or reach over all blocks where they are few",
        *scene.notes(memory),
    ]
    return [drawing.finish(figure, f"density-timeline-ladder-{direction}", title, alt, notes)]


def _most(scene: Scene, subject: str, means: pd.Series[float], end: str) -> str:
    """Return which mechanism moves the mean most, and from where to where."""
    name = scene.variants[subject].replace("_", " ")
    before, after = (text.quantity(float(means[which]), "bytes") for which in (end, subject))
    return f"{name} moves memory most, from {before} to {after}"


def _row(axes: Axes, values: pd.Series[float], at: float) -> None:
    if values.empty:
        return
    color = drawing.PALETTE[1]
    axes.plot(interval(values), [at, at], marker="", color=color, linewidth=1.6)
    axes.plot([values.mean()], [at], linestyle="none", marker="D", markersize=5, color=color)
