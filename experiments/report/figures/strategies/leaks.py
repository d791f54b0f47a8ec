"""Leaks: after how many turns each way of looking finds one, what else it names, and what it costs."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_PART = "leaks"
_LABELS = {"watched": "memory watched", "snapshots": "heap snapshots", "memray": "memray"}
_PANELS = (
    ("leak_found_after", "found after\n(turns)", 1.0),
    ("leak_other_places", "others named\n(places)", 1.0),
    ("latency_p50", "a turn\n(ms, P50)", 1_000.0),
    ("leak_memory", "memory\n(MiB)", 1 / 2**20),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``leaks``, as far as there are records."""
    frames = [scene.measured(metric, part=_PART) for metric, *_ in _PANELS]
    looked = frames[1]
    if looked.empty:
        return []
    sizes = sorted({int(size) for size in factor(looked, "leaked_bytes")})
    subjects = [name for name in _LABELS if name in set(looked["subject"])]
    title = _title(frames[0], max(sizes), subjects)
    figure, panels = drawing.canvas(title, len(_PANELS), height=2.4 + 0.2 * len(subjects) * len(sizes), sharey=True)
    lines = [(name, size) for name in subjects for size in sizes]
    shown: dict[tuple[str, int], list[str]] = {line: [] for line in lines}
    for axes, frame, (_, label, scale) in zip(panels, frames, _PANELS, strict=True):
        for row, (name, size) in enumerate(lines):
            values = scale * frame.loc[(frame["subject"] == name) & (factor(frame, "leaked_bytes") == size), "value"]
            look = drawing.look(subjects.index(name))
            axes.plot(values, [row] * len(values), linestyle="none", markersize=5, clip_on=False, **look)
            shown[name, size].append(text.significant(float(values.mean())) if len(values) else "")
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
    panels[0].set_yticks(range(len(lines)), [f"{_LABELS[name]}, {size:,} B" for name, size in lines])
    panels[0].set_ylim(len(lines) - 0.5, -0.5)
    heading = (label.replace("\n", " ") for _, label, _ in _PANELS)
    rows: list[tuple[str, ...]] = [("looked at", "leak (B a turn)", *heading)]
    rows += [(_LABELS[name], f"{size:,}", *values) for (name, size), values in shown.items()]
    every, turns = factor(looked, "every").iloc[0], factor(looked, "turns").iloc[0]
    alt = f"{title}. Turns until found, other places named, time of a turn and memory, by way of looking and leak."
    notes = [
        f"a point a trial of {turns} turns, with a look every {every}; no point: not found, or too small to be",
        "bytes are those that leak a turn",
        *scene.notes(looked),
    ]
    return [drawing.finish(figure, "strategies-leaks", title, alt, notes, rows)]


def _title(found: pd.DataFrame, size: int, subjects: list[str]) -> str:
    mine = found[factor(found, "leaked_bytes") == size]
    means = mine.groupby("subject")["value"].mean()
    told = ", ".join(f"{means[name]:.0f} ({_LABELS[name]})" for name in subjects if name in means)
    if not told:
        return "Leaks, and who finds them"
    return f"A leak of {size:,} bytes a turn is found after so many turns: {told}"
