"""Isolation: total time against the number of workers, beside what the law of sleeps says, and for inference."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.metrics.measured_over_law import law_s
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor


def draw(scene: Scene) -> list[Drawn]:
    """Return one figure for sleeps and one for inference, as far as there are records."""
    return [*_sleeps(scene), *_inference(scene)]


def _change(ratios: pd.Series[float]) -> pd.Series[float]:
    return (ratios - 1) * 100


def _workers(scene: Scene) -> dict[str, int]:
    specs = (record.spec for record in scene.records)
    return {spec.subject: int(str(spec.settings["workers"])) for spec in specs if "workers" in spec.settings}


def _sleeps(scene: Scene) -> list[Drawn]:
    workers = _workers(scene)
    shown = scene.compared("total_time", work="sleep")
    shown = shown[shown["subject"].isin(list(workers))]
    over = scene.measured("measured_over_law", work="sleep")
    if shown.empty or over.empty:
        return []
    middle, low, high = over["value"].median(), over["value"].min(), over["value"].max()
    title = (
        f"Sleeping requests take {text.significant(middle)} × what ⌈N/W⌉·d predicts"
        f" (range {text.significant(low)} … {text.significant(high)})"
    )
    figure, (axes,) = drawing.canvas(title, height=4.3)
    drawing.band(axes, claims.get("S0-time"))
    most = max(workers[subject] for subject in shown["subject"])
    for place, (requests, group) in enumerate(shown.groupby(factor(shown, "requests"))):
        count = int(str(requests))
        look = drawing.look(place)
        _law(axes, count, most, look["color"])
        axes.plot(
            [workers[subject] * 2 ** (0.09 * (place - 0.5)) for subject in group["subject"]],
            _change(group["ratio"]),
            linestyle="none",
            markersize=5,
            alpha=0.7,
            label=f"N = {count} requests, a point a block",
            **look,
        )
    axes.plot([], [], color=drawing.GREY, linewidth=1, label="the law ⌈N/W⌉·d")
    axes.set_xscale("log", base=2)
    marks = sorted({1, *workers.values()})
    axes.set_xticks(marks, [str(count) for count in marks])
    axes.minorticks_off()
    axes.set_xlabel("workers W")
    axes.set_ylabel("total time against serial (%)")
    alt = f"{title}. Change of total time in percent over workers, per number of requests, with the law's lines."
    return [drawing.finish(figure, "isolation-sleeps", title, alt, scene.notes(shown))]


def _law(axes: Axes, requests: int, most: int, color: str) -> None:
    counts = range(1, most + 1)
    law = [(law_s(requests, workers, 1.0) / law_s(requests, 1, 1.0) - 1) * 100 for workers in counts]
    axes.plot(counts, law, color=color, linewidth=1, alpha=0.8, gid=f"law-{requests}")


def _inference(scene: Scene) -> list[Drawn]:
    shown = scene.compared("total_time", work="inference")
    if shown.empty:
        return []
    levels = sorted(set(factor(shown, "requests")))
    changes = _change(shown["ratio"])
    reference = shown["reference"].iloc[0]
    ends = list(dict.fromkeys((text.percent(changes.min()), text.percent(changes.max()))))
    title = f"{scene.lead(shown)}With inference the total time changes by {' … '.join(ends)}"
    figure, (axes,) = drawing.canvas(title)
    drawing.band(axes, claims.get("S0-time"))
    subjects = scene.subjects(shown["subject"])
    for place, subject in enumerate(subjects):
        mine = shown["subject"] == subject
        offset = 0.12 * (place - (len(subjects) - 1) / 2)
        axes.plot(
            [levels.index(level) + offset for level in factor(shown[mine], "requests")],
            changes[mine],
            linestyle="none",
            alpha=0.8,
            label=f"{text.plain(subject)}, a point a block",
            **drawing.look(scene.place(subject)),
        )
    axes.axhline(0, color=drawing.GREY, linewidth=0.8)
    axes.set_xticks(range(len(levels)), [str(level) for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.set_xlabel("requests at once")
    axes.set_ylabel(f"total time against {text.plain(reference)} (%)")
    alt = f"{title}. Change of total time in percent per number of requests, a point a block."
    return [drawing.finish(figure, "isolation-inference", title, alt, scene.notes(shown))]
