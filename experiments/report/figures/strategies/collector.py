"""A tuned collector: what each setting changes in requests a second and memory, and the longest collection left."""

from __future__ import annotations

import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, changes, from_zero, logarithmic_with_zero, row, rows_named
from experiments.report.scene import Scene, factor

_PART = "collector"
_UNTUNED = "untuned"
_WAYS = {
    "python": {
        "untuned": "Python, as it comes",
        "thresholds": "Python, thresholds",
        "frozen": "Python, frozen at the start",
        "frozen-thresholds": "Python, frozen, thresholds",
        "off": "Python, off",
    },
    "node": {
        "untuned": "Node, as it comes",
        "semi-space": "Node, semi-space 64 MiB",
        "old-space": "Node, bounded heap",
    },
}

# The metric, the panel's axis, and the claim that is about it.
_CHANGES = (
    ("collector_throughput", "change in requests\na second (%)", "S2-gc"),
    ("collector_peak", "change in resident\nmemory (%)", "S2-gc-mem"),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``collector``, as far as there are records."""
    measured = [scene.measured(metric, part=_PART) for metric, *_ in _CHANGES]
    pauses = scene.measured("collector_pause_max", part=_PART)
    if pauses.empty:
        return []
    rows = [
        (runtime, way, words)
        for runtime, ways in _WAYS.items()
        for way, words in ways.items()
        if len(_of(pauses, runtime, way))
    ]
    sizes = sorted(set(factor(pauses, "sessions")))
    title = _title(measured[0], max(sizes))
    figure, panels = drawing.canvas(title, 3, height=4.4, sharey=True)
    for axes, frame, (_, label, claim) in zip(panels, measured, _CHANGES, strict=False):
        for at, (runtime, way, _) in enumerate(rows):
            if way == _UNTUNED:
                continue
            change = changes(frame[factor(frame, "runtime") == runtime], _UNTUNED, way)
            for place, size in enumerate(sizes):
                row(axes, at + _shift(place), place + 1, change.loc[factor(change, "sessions") == size, "change"])
        axes.axvline(0, color=drawing.GREY, linewidth=0.8)
        drawing.band(axes, claims.get(claim), "x")
        axes.set_xlabel(label)
    for at, (runtime, way, _) in enumerate(rows):
        mine = _of(pauses, runtime, way)
        for place, size in enumerate(sizes):
            label = f"{size:,} conversations held" if at == 0 else "_"
            some = 1000 * mine.loc[factor(mine, "sessions") == size, "value"]
            row(panels[2], at + _shift(place), place + 1, some, label)
    logarithmic_with_zero(panels[2], "x", 1)
    from_zero(panels[2])
    panels[2].set_xlabel("longest collection\n(ms)")
    rows_named(panels[0], [words for *_, words in rows])
    alt = f"{title}. Changes in requests a second and in memory, and the longest collection, by way and runtime."
    return [drawing.finish(figure, "strategies-collector", title, alt, [*scene.notes(pauses), INTERVALS])]


def _of(frame: pd.DataFrame, runtime: str, way: str) -> pd.DataFrame:
    return frame[(factor(frame, "runtime") == runtime) & (frame["subject"] == way)]


def _shift(place: int) -> float:
    return 0.24 * (place - 0.5)


def _title(rates: pd.DataFrame, size: int) -> str:
    """Say what the best of each runtime's settings brings where most is held."""
    held = rates[factor(rates, "sessions") == size]
    told = []
    for runtime, ways in _WAYS.items():
        mine = held[factor(held, "runtime") == runtime]
        means = {way: changes(mine, _UNTUNED, way)["change"].mean() for way in ways if way != _UNTUNED}
        known = {way: mean for way, mean in means.items() if mean == mean}  # not a number where it was not run
        if known:
            best = max(known, key=lambda way: known[way])
            told.append(f"{text.percent(known[best])} ({ways[best]})")
    if not told:
        return "A collector tuned and not: requests a second, memory and pauses"
    return f"The setting of the collector that brings most requests a second brings {', '.join(told)}"
