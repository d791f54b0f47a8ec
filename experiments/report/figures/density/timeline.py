"""Memory over a growing conversation, a panel a workload; and beside the memory, how many tasks still succeeded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.analysis import claims
from experiments.analysis.frames import where
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_MIB = 2**20
_NAIVE = "objects"  # whose memory the published fall is drawn from; else the figure's first subject
_NAMES = {"support": "support", "research": "research", "code": "code", "many": "many at once"}
_POINTS = 60  # a line of so many points is a curve to the eye
_SHARES = {
    "tasks_in_prompt": ("no model", "the prompt held the value (scripted replies)"),
    "tasks_answered": ("own words", "the real model replied rightly"),
}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``timeline``, as far as there are records."""
    shown = where(scene.measured("anonymous_mean", part="timeline", work="no model"), case=None, ladder=None)
    if shown.empty:
        return []
    shown = shown.assign(tasks=factor(shown, "tasks"))
    return [_over_turns(scene, shown), *_beside_success(scene, shown)]


def _workloads(shown: pd.DataFrame) -> list[str]:
    """Return the workloads of the rows in the order in which they are always shown."""
    there = set(shown["tasks"])
    return [name for name in _NAMES if name in there]


def _listed(scene: Scene, shown: pd.DataFrame) -> str:
    """Return the mean over blocks and workloads of each system, in words."""
    means = shown.groupby("subject")["value"].mean()
    return ", ".join(
        f"{subject} {text.quantity(float(means[subject]), 'bytes')}" for subject in scene.subjects(shown["subject"])
    )


def _over_turns(scene: Scene, shown: pd.DataFrame) -> Drawn:
    workloads = _workloads(shown)
    columns = min(2, len(workloads))
    rows = -(-len(workloads) // columns)
    title = f"{scene.lead(shown)}Anonymous memory over conversations, on average: {_listed(scene, shown)}"
    figure, panels = drawing.canvas(title, columns, rows=rows, height=1.9 + 2.3 * rows, sharey=True)
    claim = claims.get("S1-memory")
    for axes, workload in zip(panels, workloads, strict=False):
        mine = shown[shown["tasks"] == workload]
        subjects = scene.subjects(mine["subject"])
        for subject in subjects:
            _curve(axes, scene, subject, set(mine.loc[mine["subject"] == subject, "key"]))
        naive = _NAIVE if _NAIVE in subjects else subjects[0]
        if claim.low is not None and claim.high is not None:
            mean = mine.loc[mine["subject"] == naive, "value"].mean() / _MIB
            low, high = (mean * (1 + change / 100) for change in (claim.low, claim.high))
            drawing.ends(axes, claim, low, high, f"published: {claim.figure} against {text.plain(naive)}", "y")
        # What one system brings along would hide what the others add, were the axis linear.
        drawing.logarithmic(axes, "y")
        sessions = factor(mine, "sessions").iloc[0]
        axes.set_title(_NAMES[workload] + (f" ({sessions} conversations)" if sessions > 1 else ""))
        axes.set_xlabel("turns of each conversation")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in panels[::columns]:
        axes.set_ylabel("anonymous memory (MiB)")
    for axes in panels[len(workloads) :]:
        axes.set_axis_off()
    alt = f"{title}. Anonymous memory of the subject's processes after each turn, a panel a workload, a line a system."
    blocks = shown["block"].nunique()
    band = "bands are 95 % intervals of the mean" if blocks >= ENOUGH_BLOCKS else "bands reach over all blocks"
    return drawing.finish(figure, "density-timeline", title, alt, [f"lines are means, {band}", *scene.notes(shown)])


def _curve(axes: Axes, scene: Scene, subject: str, keys: set[str]) -> None:
    """Draw what a subject held after each turn: the mean of its trials, and a band."""
    parts = [part for record in scene.records if record.key in keys and (part := record.part()) is not None]
    turns = np.array(parts[0].series["turn"]) + 1
    places = np.unique(np.linspace(0, len(turns) - 1, min(_POINTS, len(turns))).round().astype(int))
    sizes = np.array([np.array(part.series["anonymous_bytes"])[places] for part in parts]) / _MIB
    look = drawing.look(scene.place(subject))
    low, high = zip(*(_ends(column) for column in sizes.T), strict=True)
    axes.fill_between(turns[places], low, high, color=look["color"], alpha=0.2, linewidth=0)
    every = max(1, len(places) // 6)
    axes.plot(
        turns[places],
        sizes.mean(axis=0),
        linewidth=1.4,
        markersize=4.5,
        markevery=every,
        label=text.plain(subject),
        **look,
    )


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of the mean's 95 % interval; of the range where blocks are too few, or do not differ."""
    if len(values) < ENOUGH_BLOCKS or np.ptp(values) == 0:
        return float(values.min()), float(values.max())
    low, high = Estimate(values.tolist()).interval()
    return float(low), float(high)


def _beside_success(scene: Scene, shown: pd.DataFrame) -> Iterable[Drawn]:
    frames = {
        metric: where(scene.measured(metric, part="timeline", work=work), case=None, ladder=None)
        for metric, (work, _) in _SHARES.items()
    }
    frames = {metric: frame.assign(tasks=factor(frame, "tasks")) for metric, frame in frames.items() if len(frame)}
    if "tasks_in_prompt" not in frames:
        return
    workloads, subjects = _workloads(shown), scene.subjects(shown["subject"])
    means = frames["tasks_in_prompt"].groupby("subject")["value"].mean()
    shares = ", ".join(f"{subject} {text.share(float(means[subject]))}" for subject in subjects)
    title = f"The prompt held what the task needed: {shares}; memory beside it"
    figure, (left, right) = drawing.canvas(title, 2, height=2.4 + 0.62 * len(workloads), sharey=True)
    for place, subject in enumerate(subjects):
        # Systems stand above each other within a workload's row.
        shift = 0.6 * (place / max(1, len(subjects) - 1) - 0.5) if len(subjects) > 1 else 0.0
        for row, workload in enumerate(workloads):
            name = text.plain(subject) if row == 0 else "_"
            _row(left, scene, _of(shown, subject, workload) / _MIB, subject, row + shift, name)
            for metric, frame in frames.items():
                values = _of(frame, subject, workload) * 100
                _row(right, scene, values, subject, row + shift, "_", hollow=metric == "tasks_answered")
    left.set_yticks(range(len(workloads)), [_NAMES[name] for name in workloads])
    left.set_ylim(len(workloads) - 0.5, -0.5)
    left.set_xlim(left=0)
    left.set_xlabel("mean anonymous memory (MiB)")
    right.set_xlim(-3, 103)
    right.set_xlabel("tasks that succeeded (%)")
    claim = claims.get("S1-success")
    if claim.at_least is not None:
        least = claim.at_least * 100
        drawing.ends(right, claim, least, least, f"published: at least {least:g} % of the tasks succeed", "x")
    marks = {"tasks_in_prompt": "filled", "tasks_answered": "hollow"}
    notes = [
        "; ".join(f"{marks[metric]}: {_SHARES[metric][1]}" for metric in frames),
        "bars are 95 % intervals of the mean, or reach over all blocks where they are few",
    ]
    alt = f"{title}. Mean anonymous memory and the share of tasks that succeeded, a row a workload, a mark a system."
    yield drawing.finish(
        figure, "density-timeline-success", title, alt, [*notes, *scene.notes(shown, *frames.values())]
    )


def _of(frame: pd.DataFrame, subject: str, workload: str) -> pd.Series[float]:
    return frame.loc[(frame["subject"] == subject) & (frame["tasks"] == workload), "value"]


def _row(
    axes: Axes,
    scene: Scene,
    values: pd.Series[float],
    subject: str,
    at: float,
    label: str,
    *,
    hollow: bool = False,
) -> None:
    if values.empty:
        return
    look = drawing.look(scene.place(subject))
    axes.plot(interval(values), [at, at], marker="", color=look["color"], linewidth=1.6)
    face = "white" if hollow else look["color"]
    axes.plot([values.mean()], [at], linestyle="none", markersize=6, markerfacecolor=face, label=label, **look)
