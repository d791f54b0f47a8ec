"""Summaries: how the prompt grows, what a turn waits for, and what is still known of facts of different ages."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis.frames import where
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.measuring.records import Part
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_SUBJECTS = {
    "none": "the full text",
    "last-n": "the last messages",
    "rolling": "rolling summary",
    "listed": "summary as listed",
}
"""Subjects in words, in the order in which they are shown."""

_POINTS = 60  # a line of so many points is a curve to the eye
_SPREAD = 0.6  # seconds of the pause lie between neighbours
_AGES = ((1, 2), (3, 5), (6, 9), (10, 99))
"""Ages of facts that are shown together, in turns; the first is what a summary leaves word for word."""


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``summaries``, as far as there are records."""
    return [*_growth(scene), *_waits(scene), *_known(scene)]


def _growth(scene: Scene) -> Iterable[Drawn]:
    """Draw the prompt's tokens, and the messages that are in it nowhere, over the longest conversation's turns."""
    slopes = scene.measured("prompt_tokens_slope", part="summaries", work="no model")
    slopes = where(slopes, turns=factor(slopes, "turns").max()) if len(slopes) else slopes
    if slopes.empty:
        return
    means = slopes.groupby("subject")["value"].mean()
    told = ", ".join(
        f"{text.quantity(float(means[name]), 'tokens')} with {label}"
        for name, label in _SUBJECTS.items()
        if name in means
    )
    title = f"{scene.lead(slopes)}A turn adds to the prompt: {told}"
    figure, (left, right) = drawing.canvas(title, 2, height=4.3)
    for place, (name, label) in enumerate(_SUBJECTS.items()):
        parts = _parts(scene, slopes, name)
        if parts:
            _curve(left, place, parts, "prompt_tokens", label)
            _curve(right, place, parts, "in_neither", None)
    left.set_ylabel("tokens of the prompt")
    right.set_ylabel("messages neither in the prompt\nnor in its summary")
    right.set_yscale("symlog", linthresh=10)
    drawing.logarithmic(left, "y")
    left.minorticks_off()
    right.set_ylim(bottom=-0.5)
    right.yaxis.set_major_formatter(left.yaxis.get_major_formatter())
    for axes in (left, right):
        axes.set_xlabel("turns of the conversation")
    alt = (
        f"{title}. Left the tokens of the prompt, right the messages that are in it neither word for word nor in its "
        "summary, over the turns of a conversation, a line a way to keep it."
    )
    blocks = slopes["block"].nunique()
    band = "bands are 95 % intervals of the mean" if blocks >= ENOUGH_BLOCKS else "bands reach over all blocks"
    notes = [f"lines are means, {band}", "tokens are words here", *scene.notes(slopes)]
    yield drawing.finish(figure, "research-summaries", title, alt, notes)


def _waits(scene: Scene) -> Iterable[Drawn]:
    """Draw how long a turn takes over the pause before it."""
    shown = scene.measured("latency_p95", part="summaries", work="timed")
    if shown.empty or not set(shown["subject"]) & {"rolling", "listed"}:
        return
    middle = scene.measured("latency_p50", part="summaries", work="timed")
    shortest = factor(shown, "think_s").min()
    at_once = where(shown, think_s=shortest).groupby("subject")["value"].mean()
    times = float(factor(shown, "shortened").iloc[0] or 1)
    told = ", ".join(
        f"{text.quantity(times * float(at_once[name]), 's')} with {label}"
        for name, label in _SUBJECTS.items()
        if name in at_once
    )
    title = f"No model ran. Of a user who pauses for {shortest} s, the slowest turn in twenty takes {told}"
    figure, panels = drawing.canvas(title, 2, height=4.2, sharey=True)
    for axes, frame, heading in zip(panels, (middle, shown), ("median", "95th percentile"), strict=True):
        for place, (name, label) in enumerate(_SUBJECTS.items()):
            mine = frame[frame["subject"] == name]
            if mine.empty:
                continue
            look = drawing.look(place)
            over = factor(mine, "think_s").astype(float) + _SPREAD * (place - (len(_SUBJECTS) - 1) / 2)
            values = times * mine["value"]
            axes.plot(over, values, linestyle="none", markersize=3.5, alpha=0.3, **look)
            means = values.groupby(over).mean()
            axes.plot(means.index, means, linewidth=1.2, markersize=6, markeredgecolor="white", label=label, **look)
            for at, some in values.groupby(over):
                axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"])
        axes.set_title(heading)
        axes.set_xticks(sorted(set(factor(shown, "think_s"))))
        axes.set_xlabel("pause before a turn (s)")
    panels[0].set_ylim(bottom=0)
    panels[0].set_ylabel("time a turn takes (s)")
    alt = f"{title}. Median and 95th percentile of the time a turn takes, over the pause before it, a line a way."
    notes = [
        f"times and pauses are {times:g} times what was measured, as the engine's were shortened",
        "points: blocks; bars: 95 % intervals, of fewer than six blocks the range",
        *scene.notes(shown),
    ]
    yield drawing.finish(figure, "research-summaries-waits", title, alt, notes)


def _known(scene: Scene) -> Iterable[Drawn]:
    """Draw the shares of facts that the prompt holds, and that the real model says, by their age."""
    shown = scene.measured("summary_right", part="summaries", work="own words")
    if shown.empty:
        return
    turns = int(factor(shown, "turns").max())
    shown = where(shown, turns=turns)
    means = shown.groupby("subject")["value"].mean()
    told = ", ".join(f"{text.share(means[name])} with {label}" for name, label in _SUBJECTS.items() if name in means)
    title = f"After {turns} turns the real model says rightly, of facts of all ages: {told}"
    figure, panels = drawing.canvas(title, 2, height=4.2, sharey=True)
    groups = [(low, min(high, turns)) for low, high in _AGES if low <= turns]
    names = [f"{low} to {high}" if high > low else f"{low}" for low, high in groups]
    data: list[tuple[str, ...]] = [("what", "way", *(f"told {name} turns before" for name in names))]
    for axes, what, heading in zip(
        panels, ("held", "right"), ("the prompt holds it", "the model says it"), strict=True
    ):
        for place, (name, label) in enumerate(_SUBJECTS.items()):
            parts = _parts(scene, shown, name)
            if not parts:
                continue
            look = drawing.look(place)
            shares = [
                [100 * share for part in parts if (share := _share(part, what, *ages)) is not None] for ages in groups
            ]
            at = np.arange(len(groups)) + 0.12 * (place - (len(_SUBJECTS) - 1) / 2)
            middles = [float(np.mean(each)) if each else float("nan") for each in shares]
            axes.plot(at, middles, linewidth=1.0, markersize=6, markeredgecolor="white", label=label, **look)
            for x, each in zip(at, shares, strict=True):
                if each:
                    axes.plot([x, x], _ends(np.array(each)), marker="", linewidth=1.8, color=look["color"])
            data.append((heading, label, *(f"{middle:.0f} %" for middle in middles)))
        axes.set_title(heading)
        axes.set_xticks(range(len(groups)), names)
        axes.set_xlabel("told so many turns before")
        axes.set_ylim(-3, 103)
    panels[0].set_ylabel("facts asked for (%)")
    alt = f"{title}. Share of the facts whose value the prompt holds, and that the model says, by age, a line a way."
    notes = ["bars: 95 % intervals of the mean, of fewer than six blocks the range", *scene.notes(shown)]
    yield drawing.finish(figure, "research-summaries-known", title, alt, notes, data)


def _parts(scene: Scene, rows: pd.DataFrame, subject: str) -> list[Part]:
    """Return what the trials of ``subject`` wrote that the rows name."""
    keys = set(rows.loc[rows["subject"] == subject, "key"])
    return [part for record in scene.records if record.key in keys and (part := record.part()) is not None]


def _curve(axes: Axes, place: int, parts: list[Part], series: str, label: str | None) -> None:
    """Draw the mean of a series over turns, and a band."""
    turns = np.array(parts[0].series["turn"]) + 1
    places = np.unique(np.linspace(0, len(turns) - 1, min(_POINTS, len(turns))).round().astype(int))
    values = np.array([np.array(part.series[series])[places] for part in parts])
    look = drawing.look(place)
    low, high = zip(*(_ends(column) for column in values.T), strict=True)
    axes.fill_between(turns[places], low, high, color=look["color"], alpha=0.2, linewidth=0)
    axes.plot(
        turns[places], values.mean(axis=0), linewidth=1.4, markersize=4.5, markevery=max(1, len(places) // 6),
        label=label or "_", **look,
    )  # fmt: skip


def _share(part: Part, what: str, low: int, high: int) -> float | None:
    graded = zip(part.series.get("age", []), part.series.get(what, []), strict=True)
    found = [value for age, value in graded if low <= age <= high]
    return float(np.mean(found)) if found else None


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of the mean's 95 % interval; of the range where blocks are too few, or do not differ."""
    if len(values) < ENOUGH_BLOCKS or np.ptp(values) == 0:
        return float(values.min()), float(values.max())
    low, high = Estimate(values.tolist()).interval()
    return float(low), float(high)
