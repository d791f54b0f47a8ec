"""Requests spread over workers: how long the slow ones take, by who decides which worker gets one."""

from __future__ import annotations

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, row, rows_named
from experiments.report.scene import Scene, factor

_PART = "spread"
_WAYS = {
    "round-robin": "in turn",
    "random": "at random",
    "sticky": "by session",
    "fewest": "to the least busy",
    "pull": "fetched when free",
}
_LENGTHS = {"equal": "equal requests", "mixed": "one request in ten is long"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``spread``, as far as there are records."""
    slow = scene.measured("spread_latency_p95", part=_PART)
    if slow.empty:
        return []
    loads = factor(slow, "load").astype(float)
    conditions = sorted({(str(kind), load) for kind, load in zip(factor(slow, "lengths"), loads, strict=True)})
    kind, load = conditions[-1]
    means = slow[(factor(slow, "lengths") == kind) & (loads == load)].groupby("subject")["value"].mean()
    told = [f"{text.quantity(means[way], 's')} {words}" for way, words in _WAYS.items() if way in means]
    title = (
        f"Of requests over workers at {text.share(load)} load, {_LENGTHS[kind]}, 95 in 100 take up to {', '.join(told)}"
    )
    figure, [axes] = drawing.canvas(title, height=4.0)
    ways = [way for way in _WAYS if way in set(slow["subject"])]
    for place, (kind, load) in enumerate(conditions):
        mine = slow[(factor(slow, "lengths") == kind) & (loads == load)]
        shift = 0.22 * (place - (len(conditions) - 1) / 2)
        for at, way in enumerate(ways):
            label = f"{_LENGTHS[kind]}, load {text.share(load)}" if at == 0 else "_"
            row(axes, at + shift, place, 1000 * mine.loc[mine["subject"] == way, "value"], label)
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("time of a request from when it was due, P95 (ms)")
    rows_named(axes, [_WAYS[way] for way in ways])
    alt = f"{title}. The 95th percentile of the time of a request, by way, kind of requests and load."
    return [drawing.finish(figure, "strategies-spread", title, alt, [*scene.notes(slow), INTERVALS])]
