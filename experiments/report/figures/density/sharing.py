"""Keys and values: tokens computed, most memory, and how far replies shift, by how they are kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_SUBJECTS = {
    "nothing-kept": "nothing kept",
    "private": "private",
    "shared": "shared",
    "shared-no-room": "shared, no room",
    "spilled": "shared, spilled",
    "q8_0": "shared, q8_0",
}
_Shown = tuple[str, str, Callable[[float], float]]
_PANELS: tuple[_Shown, ...] = (
    ("sharing_computed_tokens", "prompt tokens\ncomputed (thousand)", lambda value: value / 1e3),
    ("sharing_peak_memory", "most anonymous\nmemory (MiB)", lambda value: value / 2**20),
    ("sharing_shift", "shift of the first token's\nprobability (points)", lambda value: 100 * value),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``sharing``, if there are records."""
    measured = {name: scene.measured(name, part="sharing") for name, _, _ in _PANELS}
    first = measured["sharing_computed_tokens"]
    if first.empty:
        return []
    subjects = [name for name in _SUBJECTS if name in set(first["subject"])]
    medians = first.groupby("subject")["value"].median()
    title = "Keys and values of idle conversations: computed again, held, and what the replies then say"
    if {"private", "shared"} <= set(subjects):
        spared = 100 * (1 - medians["shared"] / medians["private"])
        title = f"Sharing beginnings spares {spared:.0f} % of the prompt tokens that private states compute"
    figure, panels = drawing.canvas(title, len(_PANELS), height=3.5, sharey=True)
    rows: list[tuple[str, ...]] = [("keys and values", *(label.replace("\n", " ") for _, label, _ in _PANELS))]
    shown: dict[str, list[str]] = {name: [] for name in subjects}
    for axes, (metric, label, scale) in zip(panels, _PANELS, strict=True):
        rows_of = measured[metric]
        for place, name in enumerate(subjects):
            values = [scale(value) for value in rows_of.loc[rows_of["subject"] == name, "value"]]
            if not values:
                shown[name].append("")
                continue
            look = drawing.look(place)
            middle = float(np.median(values))
            axes.plot(values, [place] * len(values), linestyle="none", alpha=0.5, markersize=5, **look)
            axes.plot([middle] * 2, [place - 0.25, place + 0.25], color=look["color"], linewidth=2)
            shown[name].append(f"{middle:.4g}")
        axes.set_yticks(range(len(subjects)), [_SUBJECTS[name] for name in subjects])
        axes.set_ylim(len(subjects) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
    rows += [(_SUBJECTS[name], *values) for name, values in shown.items()]
    alt = (
        f"{title}. Prompt tokens computed, most anonymous memory and shift of the replies, a point a trial, by subject."
    )
    notes = ["a point a trial, the bar their median", *scene.notes(first)]
    return [drawing.finish(figure, "density-sharing", title, alt, notes, rows)]
