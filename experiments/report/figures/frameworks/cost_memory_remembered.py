"""Cost × memory × remembered: processor time a turn, resident memory, and evidence in the prompt, by system."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import CONDITIONS
from experiments.report.scene import Scene, factor

_SMALLEST, _LARGEST = 5.0, 17.0  # points across: nothing remembered, and everything


class _Place(NamedTuple):
    """A system: processor time a turn in seconds, resident bytes, and the share that is remembered."""

    cpu_s: float
    memory_bytes: float
    remembered: float


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure for the conditions in which all three were measured."""
    costs = scene.measured("turn_cpu", part="turns", sessions=1)
    memory = scene.measured("system_memory", part="turns", sessions=1)
    kept = scene.measured("evidence_in_prompt", part="recall")
    if costs.empty or memory.empty or kept.empty:
        return []
    turns = int(factor(kept, "turns").min())
    kept = kept[factor(kept, "turns") == turns]
    found = {window: _places(window, costs, memory, kept) for window in CONDITIONS}
    windows = [window for window, places in found.items() if places]
    if not windows:
        return []
    widest = found[windows[-1]]
    most, least = (choose(widest, key=lambda name: widest[name].cpu_s) for choose in (max, min))
    title = (
        f"Cost, memory, and what is remembered after {turns} turns: a turn takes "
        f"{text.quantity(widest[least].cpu_s, 's')} ({least}) to {text.quantity(widest[most].cpu_s, 's')} ({most})"
    )
    figure, panels = drawing.canvas(title, len(windows), height=4.6, sharex=True, sharey=True)
    data: list[tuple[str, ...]] = [
        ("condition", "system", "processor time a turn (ms)", "resident (MiB)", "remembered (%)")
    ]
    for axes, window in zip(panels, windows, strict=True):
        for system in scene.subjects(found[window]):
            place = found[window][system]
            size = _SMALLEST + (_LARGEST - _SMALLEST) * place.remembered
            at = 1000 * place.cpu_s, place.memory_bytes / 2**20
            look = {**drawing.look(scene.place(system)), "markersize": size, "alpha": 0.8}
            axes.plot(*at, linestyle="none", markeredgecolor="white", label=system, **look)
            said = f"{system} {text.share(place.remembered)}"
            axes.annotate(said, at, xytext=(size / 2 + 2, 0), textcoords="offset points", va="center", fontsize=7)
            numbers = (text.significant(value, 3) for value in (*at, 100 * place.remembered))
            data.append((CONDITIONS[window], system, *numbers))
        axes.set_title(CONDITIONS[window])
        axes.set_xlabel("processor time a turn (ms)")
        drawing.logarithmic(axes, "x", "y")
    panels[0].set_ylabel("resident after all turns (MiB)")
    notes = [
        "the larger a mark, and the share beside it: questions whose evidence is in the prompt",
        *scene.notes(costs, memory, kept),
    ]
    alt = f"{title}. Processor time a turn, resident memory and share remembered, a mark a system, a panel a condition."
    return [drawing.finish(figure, "frameworks-cost", title, alt, notes, data)]


def _places(window: int, *frames: pd.DataFrame) -> dict[str, _Place]:
    """Return the means of the systems that have all three in this condition."""
    means = [frame[factor(frame, "window") == window].groupby("subject")["value"].mean() for frame in frames]
    names = [str(name) for name in means[0].index if all(name in mean for mean in means)]
    return {name: _Place(*(float(mean[name]) for mean in means)) for name in names}
