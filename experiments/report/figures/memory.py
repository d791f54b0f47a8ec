"""Memory: hit rate of caches, retrieval time, growth over a soak, and what a memory tracer saw."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.analysis import claims
from experiments.records import Outcome
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_MIB = 2**20


def draw(scene: Scene) -> list[Drawn]:
    """Return one figure a part of the study, as far as there are records."""
    return [*_hit_rate(scene), *_retrieval(scene), *_soak(scene), *_traced(scene)]


def _points_and_medians(axes: Any, place: int, x: pd.Series[Any], y: pd.Series[float], label: str) -> None:
    """Draw a faint point a block and a line through the medians."""
    look = drawing.look(place)
    axes.plot(x, y, linestyle="none", markersize=4, alpha=0.35, **look)
    medians = y.groupby(x.astype(float)).median()
    axes.plot(medians.index, medians, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)


def _hit_rate(scene: Scene) -> list[Drawn]:
    shown, bound = scene.measured("hit_rate", part="hit-rate"), scene.measured("unlimited_hit_rate", part="hit-rate")
    if shown.empty:
        return []
    traces = sorted(set(factor(shown, "trace")), key=str)
    told = "published" if "published" in traces else traces[0]
    best = shown[factor(shown, "trace") == told]["value"].max()
    title = f"On the {told} trace the best hit rate is {text.significant(best * 100)} %"
    most = bound[factor(bound, "trace") == told]["value"]
    if not most.empty:
        title += f"; an unlimited cache hits {text.significant(most.max() * 100)} % at most"
    figure, panels = drawing.canvas(title, len(traces), sharey=True, height=4.1)
    claim = claims.get("S0-hitrate")
    for axes, trace in zip(panels, traces, strict=True):
        mine = shown[factor(shown, "trace") == trace]
        if claim.before and claim.after:
            drawing.ends(
                axes, claim, claim.before[0], claim.after[0], _levels(claim.before[0], claim.after[0], "%"), "y"
            )
        limit = bound[factor(bound, "trace") == trace]["value"] * 100
        if not limit.empty:
            axes.axhspan(limit.min(), limit.max(), color=drawing.PALETTE[2], alpha=0.3, linewidth=0)
            axes.axhline(
                limit.median(), color=drawing.PALETTE[2], linestyle=":", label="unlimited cache (median of traces)"
            )
        for subject in scene.subjects(mine["subject"]):
            group = mine[mine["subject"] == subject]
            x, y = factor(group, "capacity"), group["value"] * 100
            _points_and_medians(axes, scene.place(subject), x, y, f"{text.plain(subject)} (median; points: blocks)")
        axes.set_title(f"{text.plain(trace)} trace")
        axes.set_xlabel("capacity (entries)")
        axes.set_ylim(0, 100)
    panels[0].set_ylabel("hit rate (%)")
    alt = f"{title}. Hit rate in percent over capacity, a panel a trace, with the published change."
    return [drawing.finish(figure, "memory-hit-rate", title, alt, scene.notes(shown))]


def _levels(before: float, after: float, unit: str) -> str:
    return f"published: {before:g} {unit} → {after:g} {unit}"


def _retrieval(scene: Scene) -> list[Drawn]:
    shown = scene.measured("retrieval_p50", part="retrieval")
    if shown.empty:
        return []
    most = max(factor(shown, "memories"))
    there = shown[factor(shown, "memories") == most].groupby("subject")["value"].median()
    # A lookup that is fast and finds nothing is no lookup: what was found stands beside how long it took.
    recall = scene.measured("recall", part="retrieval", memories=most).groupby("subject")["value"].median()
    said = ", ".join(
        f"{subject} {text.quantity(there[subject], 's')} (finds {text.significant(100 * recall[subject], 2)} %)"
        for subject in scene.subjects(there.index)
        if subject in recall
    )
    title = f"Median lookup among {most:,} memories: {said}"
    figure, (axes,) = drawing.canvas(title)
    claim = claims.get("S0-retrieval")
    if claim.before and claim.after:
        before, after = claim.before[0] * 1000, claim.after[0] * 1000
        drawing.ends(axes, claim, after, before, _levels(before, after, "ms"), "y")
    for subject in scene.subjects(shown["subject"]):
        group = shown[shown["subject"] == subject]
        x, y = factor(group, "memories"), group["value"] * 1000
        _points_and_medians(axes, scene.place(subject), x, y, f"{text.plain(subject)}, P50 (points: blocks)")
    drawing.logarithmic(axes, "x", "y")
    axes.set_xlabel("memories stored")
    axes.set_ylabel("retrieval time (ms)")
    alt = f"{title}. Median retrieval time over the number of memories, both logarithmic."
    return [drawing.finish(figure, "memory-retrieval", title, alt, scene.notes(shown))]


def _soak(scene: Scene) -> list[Drawn]:
    works = sorted({str(work) for work in factor(scene.measured("anonymous_growth", part="soak"), "work")})
    return [_grown(scene, work) for work in works]


def _grown(scene: Scene, work: str) -> Drawn:
    growth = scene.measured("anonymous_growth", part="soak", work=work)
    slopes = growth.groupby("subject")["value"].median()
    said = ", ".join(
        f"{subject} {text.quantity(slopes[subject], 'bytes/turn')}" for subject in scene.subjects(slopes.index)
    )
    title = f"{scene.lead(growth)}Median growth after the warm-up: {said}"
    figure, (axes,) = drawing.canvas(title)
    keys = set(growth["key"])
    shown = [record for record in scene.records if record.key in keys]
    for record in sorted(shown, key=lambda record: scene.place(record.spec.subject)):
        part = record.part("subject")
        assert part is not None, "a slope was read from the subject's part"
        place = scene.place(record.spec.subject)
        axes.plot(
            part.series["turn"],
            [size / _MIB for size in part.series["anonymous_bytes"]],
            linewidth=1,
            markersize=3,
            alpha=0.6,
            label=f"{text.plain(record.spec.subject)}, a line a block",
            **drawing.look(place),
        )
    axes.set_xlabel("turn")
    axes.set_ylabel("anonymous memory (MiB)")
    alt = f"{title}. Anonymous memory of the subject over turns, a line a block."
    return drawing.finish(figure, f"memory-soak-{work.replace(' ', '-')}", title, alt, scene.notes(growth))


def _traced(scene: Scene) -> list[Drawn]:
    kinds = (("heap_peak", "heap"), ("mapped_peak", "mapped files"))
    shown = {words: scene.measured(metric) for metric, words in kinds}
    heap = shown["heap"]
    if heap.empty:
        return []
    peaks = heap.groupby("subject")["value"].max()
    said = ", ".join(f"{subject} {text.quantity(peaks[subject], 'bytes')}" for subject in scene.subjects(peaks.index))
    title = f"{scene.lead(heap)}Largest heap under the tracer: {said}"
    subjects = scene.subjects(heap["subject"])
    figure, (axes,) = drawing.canvas(title, height=2.1 + 0.6 * len(subjects))
    for place, (words, frame) in enumerate(shown.items()):
        sizes = frame.groupby("subject")["value"].max() / _MIB
        rows = [subjects.index(str(subject)) + 0.36 * (place - 0.5) for subject in sizes.index]
        axes.barh(
            rows,
            sizes,
            height=0.34,
            color=drawing.PALETTE[place + 1],
            hatch=("", "///")[place],
            edgecolor="white",
            label=words,
        )
    axes.set_yticks(range(len(subjects)), [text.plain(subject) for subject in subjects])
    axes.invert_yaxis()
    axes.set_xlabel("peak (MiB)")
    runs = sum(record.spec.traced and record.outcome is Outcome.OK for record in scene.records)
    notes = [*scene.notes(heap, timed=False), f"{runs} traced trials: a look inside, not a sample"]
    alt = f"{title}. Peak of the heap and of mapped files per subject, in MiB."
    return [drawing.finish(figure, "memory-tracer", title, alt, notes)]
