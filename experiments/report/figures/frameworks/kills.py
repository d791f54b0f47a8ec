"""What of the acknowledged turns is in the next prompt after a kill, and after an orderly end."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, rows_named
from experiments.report.figures._frameworks import conditions, ordered
from experiments.report.scene import Scene, factor

_PART = "kills"
_ENDS = {"killed": "after kill -9", "closed": "after an orderly end"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``kills``, if there are records."""
    shown = scene.measured("turns_kept", part=_PART)
    if shown.empty:
        return []
    killed = shown[factor(shown, "end") == "killed"].groupby("subject")["value"].mean()
    whole = [name for name in ordered(scene, shown) if killed.get(name) == 1]
    title = f"After kill -9 all acknowledged turns are in the next prompt of {len(whole)} of {len(killed)} systems"
    systems, ends = ordered(scene, shown), [end for end in _ENDS if end in set(factor(shown, "end"))]
    figure, panels = drawing.canvas(title, len(ends), height=1.7 + 0.36 * len(systems), sharey=True)
    for axes, end in zip(panels, ends, strict=True):
        conditions(axes, shown[factor(shown, "end") == end], systems, 100.0)
        axes.set_xlim(-4, 104)
        axes.set_title(_ENDS[end])
        axes.set_xlabel("turns in the next prompt (%)")
    rows_named(panels[0], systems)
    data = [
        ("system", *(_ENDS[end] for end in ends)),
        *((system, *(_share(shown, system, end) for end in ends)) for system in systems),
    ]
    alt = f"{title}. Share of the acknowledged turns that stand in the next prompt, a row a system, a panel an end."
    return [drawing.finish(figure, "frameworks-kills", title, alt, [*scene.notes(shown), INTERVALS], data)]


def _share(shown: pd.DataFrame, system: str, end: str) -> str:
    values = shown.loc[(shown["subject"] == system) & (factor(shown, "end") == end), "value"]
    return "" if values.empty else f"{100 * values.mean():.0f} %"
