"""Batched embedding: texts a second, and the process's memory, over how many texts are in one call."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, curve
from experiments.report.scene import Scene, factor

_PART, _ALONE, _ADVISED = "batched-embedding", "one-at-a-time", "batch-32"


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part, as far as there are records."""
    rates, held = (
        _over_batches(scene.measured(name, part=_PART)) for name in ("embedding_rate", "embedding_anonymous")
    )
    if rates.empty or held.empty:
        return []
    kinds = sorted(set(rates["kind"]))
    title = _title(rates, kinds)
    figure, panels = drawing.canvas(title, 2, height=3.9)
    for place, kind in enumerate(kinds):
        for axes, frame, unit in zip(panels, (rates, held), (1, 2**20), strict=True):
            mine = frame[frame["kind"] == kind]
            curve(axes, place, mine["value"] / unit, mine["at"], text.plain(kind))
    drawing.logarithmic(panels[0], "x", "y")
    drawing.logarithmic(panels[1], "x")
    panels[1].set_ylim(bottom=0)
    sizes = sorted({float(at) for at in rates["at"]})
    for axes, label in zip(panels, ("texts a second", "anonymous memory (MiB)"), strict=True):
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("texts in one call")
        axes.set_ylabel(label)
    alt = f"{title}. Left texts a second, right anonymous memory, over the texts in one call, a line an encoder."
    notes = [*scene.notes(rates), INTERVALS]
    return [drawing.finish(figure, "strategies-batched-embedding", title, alt, notes)]


def _over_batches(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the size of the batch, and the encoder with its texts in words."""
    sizes = [1 if name == _ALONE else int(str(name).rpartition("-")[2]) for name in frame["subject"]]
    kinds = [
        f"{encoder}, {texts}" for encoder, texts in zip(factor(frame, "encoder"), factor(frame, "texts"), strict=True)
    ]
    return frame.assign(at=sizes, kind=kinds)


def _title(rates: pd.DataFrame, kinds: list[str]) -> str:
    """Return by what factor the advised batch is faster than one text at a time, for each kind of work."""
    told = []
    for kind in kinds:
        means = rates[rates["kind"] == kind].groupby("subject")["value"].mean()
        if {_ALONE, _ADVISED} <= set(means.index):
            told.append(f"{text.significant(means[_ADVISED] / means[_ALONE])} times as many ({kind})")
    return f"In batches of 32, texts a second: {', '.join(told)}" if told else "Texts a second over the size of a batch"
