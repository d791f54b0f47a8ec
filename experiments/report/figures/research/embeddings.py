"""Relevance in each pattern: how long the requests took, how long the loop stood still, what all processes held."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.ticker import LogLocator

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_PART = "embeddings"
_ORDER = ("in-loop", "thread", "processes", "shared")
_LABELS = {
    "in-loop": "in the loop",
    "thread": "a thread",
    "processes": "a pool of processes",
    "shared": "one shared process",
}
_WORKS = {"minilm": "by MiniLM, which lets go of the lock", "terms": "by terms: Python, which holds it"}

# The metric, the panel's axis, how many of its units are one of the metric's, and whether it spans decades.
_PANELS = (
    ("total_time", "all requests (s)", 1.0, False),
    ("loop_delay_max", "longest loop delay (ms)", 1_000.0, True),
    ("relevance_peak_anonymous", "anonymous memory (MiB)", 1 / 2**20, False),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure for the most requests at once that there are records of."""
    times = scene.measured("total_time", part=_PART)
    if times.empty:
        return []
    requests = max(factor(times, "requests"))
    frames = [scene.measured(metric, part=_PART, requests=requests) for metric, *_ in _PANELS]
    works = [work for work in _WORKS if work in set(factor(frames[0], "work"))]
    title = f"{requests} requests for relevance at once, {_told(frames, works)}"
    figure, panels = drawing.canvas(title, len(_PANELS), sharey=True, height=3.4)
    for axes, frame, (_, label, scale, spans) in zip(panels, frames, _PANELS, strict=True):
        for place, work in enumerate(works):
            shift = 0.24 * (place - (len(works) - 1) / 2)
            _points(axes, frame[factor(frame, "work") == work], place + 1, shift, scale, _WORKS[work])
        axes.set_xlabel(label)
        if spans:
            drawing.logarithmic(axes, "x")
            axes.xaxis.set_major_locator(LogLocator())  # decades alone: a panel is narrow
        else:
            axes.set_xlim(left=0)
    panels[0].set_yticks(range(len(_ORDER)), [_LABELS[subject] for subject in _ORDER])
    panels[0].set_ylim(len(_ORDER) - 0.5, -0.5)
    alt = f"{title}. Total time, longest loop delay and peak anonymous memory of all processes, a line a pattern."
    notes = [*scene.notes(*frames), "lines: 95 % intervals, of fewer than six blocks the range"]
    return [drawing.finish(figure, "research-embeddings", title, alt, notes, _table(frames, works))]


def _told(frames: list[pd.DataFrame], works: list[str]) -> str:
    """Return in one line what processes bring beside a thread, and cost, for the first kind of work."""
    times, _, held = (_means(frame, works[0]) for frame in frames)
    kind = "by MiniLM" if works[0] == "minilm" else "by terms"
    if not {"thread", "processes"} <= set(times.index) & set(held.index):
        return kind
    share = text.share(times["processes"] / times["thread"])
    memory = text.significant(held["processes"] / held["thread"], 2)
    return f"{kind}: a pool takes {share} of a thread's time and {memory} times its memory"


def _means(frame: pd.DataFrame, work: str) -> pd.Series[float]:
    return frame[factor(frame, "work") == work].groupby("subject")["value"].mean()


def _points(axes: Any, mine: pd.DataFrame, place: int, shift: float, scale: float, label: str) -> None:
    """Draw the mean of each pattern with its interval."""
    look = drawing.look(place)
    at, means = [], []
    for row, subject in enumerate(_ORDER):
        values = mine[mine["subject"] == subject]["value"] * scale
        if values.empty:
            continue
        axes.plot(interval(values), [row + shift] * 2, marker="", linewidth=1.6, color=look["color"])
        at.append(row + shift)
        means.append(values.mean())
    axes.plot(means, at, linestyle="none", markersize=6, markeredgecolor="white", label=label, **look)


def _table(frames: list[pd.DataFrame], works: list[str]) -> list[tuple[str, ...]]:
    """Return the figure as a table: a row a kind of work and pattern."""
    rows: list[tuple[str, ...]] = [("work", "pattern", *(label for _, label, *_ in _PANELS))]
    for work in works:
        means = [_means(frame, work) * scale for frame, (_, _, scale, _) in zip(frames, _PANELS, strict=True)]
        rows += [
            (work, _LABELS[subject], *(text.significant(mean[subject]) for mean in means))
            for subject in _ORDER
            if all(subject in mean for mean in means)
        ]
    return rows
