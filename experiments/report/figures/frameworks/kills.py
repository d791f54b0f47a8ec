"""What of the acknowledged turns is in the next prompt after a kill, and after an orderly end."""

from __future__ import annotations

import pandas as pd

from experiments.analysis.frames import where
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, rows_named
from experiments.report.figures._frameworks import CONDITIONS, draw_levels, in_words, ordered, stated
from experiments.report.scene import Scene, factor
from experiments.workloads.framework_levels import CLOSED, KILLED, WINDOWS

_PART = "kills"
_ENDS = {KILLED: "after kill -9", CLOSED: "after an orderly end"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``kills``, if there are records."""
    shown = scene.measured("turns_kept", part=_PART)
    if shown.empty:
        return []
    killed = where(shown, end=KILLED)
    window = stated(killed)
    means = where(killed, window=window).groupby("subject")["value"].mean()
    title = (
        f"After kill -9, {in_words(window)}, all acknowledged turns are in the next prompt of {(means == 1).sum()} of "
        f"{len(means)} systems"
    )
    systems, ends = ordered(scene, shown), [end for end in _ENDS if end in set(factor(shown, "end"))]
    figure, panels = drawing.canvas(title, len(ends), height=1.7 + 0.36 * len(systems), sharey=True)
    for axes, end in zip(panels, ends, strict=True):
        draw_levels(axes, where(shown, end=end), systems, 100.0)
        axes.set_xlim(-4, 104)
        axes.set_title(_ENDS[end])
        axes.set_xlabel("turns in the next prompt (%)")
    rows_named(panels[0], systems)
    columns = [(end, window) for end in ends for window in CONDITIONS.of(where(shown, end=end))]
    data = [
        ("system", *(f"{_ENDS[end]}, {WINDOWS[window]}" for end, window in columns)),
        *((each, *(_share(where(shown, end=end, window=window), each) for end, window in columns)) for each in systems),
    ]
    alt = f"{title}. Share of the acknowledged turns that stand in the next prompt, a row a system, a panel an end."
    return [drawing.finish(figure, "frameworks-kills", title, alt, [*scene.notes(shown), INTERVALS], data)]


def _share(shown: pd.DataFrame, system: str) -> str:
    values = shown.loc[shown["subject"] == system, "value"]
    return "" if values.empty else f"{100 * values.mean():.0f} %"
