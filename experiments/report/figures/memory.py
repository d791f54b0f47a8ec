"""Memory: hit rate of caches, retrieval time, growth over a soak, and what a memory tracer saw."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy import special

from experiments.analysis import claims, order
from experiments.analysis.claims import Claim
from experiments.analysis.frames import where
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import flames, quality, what_fits
from experiments.report.scene import Scene, factor

_MIB = 2**20
_TURNS_TO_GROW = 100  # below, what fills up for the first time is all that is seen
_HOLDERS = 8
SIMULATED = ("s3-fifo", "sieve", "optimum")


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of each part of the study, as far as there are records."""
    return [
        *_hit_rate(scene),
        *_wrong_hits(scene),
        *_retrieval(scene),
        *quality.draw(scene),
        *_soak(scene),
        *_traced(scene),
        *_allocators(scene),
        *flames.draw(scene),
        *what_fits.draw(scene),
    ]


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
    shown, bound = (frame.assign(trace=_traces(frame)) for frame in (shown, bound))
    published = [trace for trace in sorted(set(shown["trace"]), key=order.natural) if trace.startswith("published")]
    others = [trace for trace in sorted(set(shown["trace"]), key=order.natural) if trace not in published]
    claimed = claims.get("S0-hitrate")
    return [
        _hit_rate_figure(scene, name, shown[shown["trace"].isin(traces)], bound, traces, claim)
        for name, traces, claim in (
            ("memory-hit-rate", published, claimed),
            ("memory-hit-rate-other-traces", others, None),
        )
        if traces
    ]


def _traces(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the trace that each row replayed, with the kind of key where the trace has several."""
    keys = factor(frame, "key")
    return factor(frame, "trace").where(keys.isna(), factor(frame, "trace").astype(str) + ", key: " + keys.astype(str))


def _hit_rate_figure(
    scene: Scene, name: str, shown: pd.DataFrame, bound: pd.DataFrame, traces: list[str], claim: Claim | None
) -> Drawn:
    real = shown[~shown["subject"].isin(SIMULATED)]
    # The title speaks of the trace with most repetitions: there a cache can help most.
    unlimited = bound.groupby("trace")["value"].median()
    titled = max(traces, key=lambda trace: unlimited.get(trace, 0.0))
    best = real[real["trace"] == titled].groupby(["subject", factor(real, "capacity")])["value"].median().max()
    title = f'On the trace "{titled}" the best cache of a system hits {text.significant(best * 100)} %'
    most = bound[bound["trace"] == titled]["value"]
    if not most.empty:
        title += f", an unlimited one {text.significant(most.median() * 100)} %"
    columns = min(2, len(traces))
    rows = -(-len(traces) // columns)
    figure, panels = drawing.canvas(title, columns, rows=rows, sharey=True, height=1.3 + 2.7 * rows)
    for axes, trace in zip(panels, traces, strict=False):
        mine = shown[shown["trace"] == trace]
        if claim and claim.before and claim.after:
            low, high = claim.before[0], claim.after[0]
            drawing.ends(axes, claim, low, high, _levels(low, high, "%"), "y")
        limit = bound[bound["trace"] == trace]["value"] * 100
        if not limit.empty:
            axes.axhline(limit.median(), color=drawing.GREY, linestyle=":", label="unlimited cache (median of traces)")
        for subject in scene.subjects(mine["subject"]):
            group = mine[mine["subject"] == subject]
            x, y = factor(group, "capacity"), group["value"] * 100
            of = "simulated" if subject in SIMULATED else "in a system"
            _points_and_medians(axes, scene.place(subject), x, y, f"{text.plain(subject)} ({of}; points: blocks)")
        axes.set_title(text.plain(trace))
        axes.set_xlabel("capacity (entries)")
        axes.set_ylim(0, 100)
        axes.set_ylabel("hit rate (%)")
    for axes in panels[len(traces) :]:
        axes.set_axis_off()
    alt = f"{title}. Hit rate in percent over capacity, a panel a trace, with the optimum."
    notes = [note for note in scene.notes(shown) if "simulated policy" not in note]
    return drawing.finish(figure, name, title, alt, notes)


def _wrong_hits(scene: Scene) -> list[Drawn]:
    wrong, rate = (
        scene.measured("wrong_hit_share", trace="conversation log"),
        scene.measured("hit_rate", trace="conversation log"),
    )
    wrong, rate = (frame[frame["subject"] == "lru"] for frame in (wrong, rate))
    if rate.empty:
        return []
    most = max(factor(rate, "capacity"))
    there = {kind: _at(rate, key=kind, capacity=most) for kind in ("question", "prompt")}
    bad = _at(wrong, key="question", capacity=most)
    title = (
        f"A key made of the question hits {text.significant(100 * there['question'], 2)} %, and "
        f"{text.significant(100 * bad, 2)} % of those hits answer another prompt; a key made of the whole prompt hits "
        f"{text.significant(100 * there['prompt'], 2)} %"
    )
    figure, (axes,) = drawing.canvas(title)
    for place, (frame, kind, words) in enumerate(
        (
            (rate, "question", "hit rate, key: question"),
            (wrong, "question", "wrong among those hits"),
            (rate, "prompt", "hit rate, key: prompt"),
        )
    ):
        group = frame[factor(frame, "key") == kind]
        if not group.empty:
            _points_and_medians(axes, place, factor(group, "capacity"), group["value"] * 100, words)
    axes.set_xlabel("capacity (entries)")
    axes.set_ylabel("share (%)")
    axes.set_ylim(0, 100)
    alt = f"{title}. Hit rate and share of wrong hits over capacity, on a conversation log with repeated questions."
    return [drawing.finish(figure, "memory-wrong-hits", title, alt, scene.notes(rate))]


def _at(frame: pd.DataFrame, **factors: Any) -> float:
    chosen = where(frame, **factors)
    return float(chosen["value"].median()) if len(chosen) else 0.0


def _levels(before: float, after: float, unit: str) -> str:
    return f"published: {before:g} {unit} → {after:g} {unit}"


def _retrieval(scene: Scene) -> list[Drawn]:
    shown = scene.measured("retrieval_p50", part="retrieval")
    if shown.empty:
        return []
    most = max(factor(shown, "memories"))
    there = shown[factor(shown, "memories") == most].groupby("subject")["value"].median()
    # A lookup that is fast and finds nothing is useless: its recall stands beside its time.
    recall = scene.measured("recall", part="retrieval", memories=most).groupby("subject")["value"].median()
    listed = ", ".join(
        f"{subject} {text.quantity(there[subject], 's')} (finds {text.significant(100 * recall[subject], 2)} %)"
        for subject in scene.subjects(there.index)
        if subject in recall
    )
    title = f"Median lookup among {most:,} memories: {listed}"
    tail, recalls = scene.measured("retrieval_p95", part="retrieval"), scene.measured("recall", part="retrieval")
    figure, (axes, beside) = drawing.canvas(title, 2, height=4.3)
    claim = claims.get("S0-retrieval")
    if claim.before and claim.after:
        before, after = claim.before[0] * 1000, claim.after[0] * 1000
        drawing.ends(axes, claim, after, before, _levels(before, after, "ms"), "y")
    for subject in scene.subjects(shown["subject"]):
        group, place = shown[shown["subject"] == subject], scene.place(subject)
        x, y = factor(group, "memories"), group["value"] * 1000
        _points_and_medians(axes, place, x, y, f"{text.plain(subject)} (median; points: blocks)")
        slow = tail[tail["subject"] == subject]
        medians = (slow["value"] * 1000).groupby(factor(slow, "memories").astype(float)).median()
        axes.plot(medians.index, medians, linestyle="--", linewidth=1, color=drawing.look(place)["color"])
        group = recalls[recalls["subject"] == subject]
        _points_and_medians(beside, place, factor(group, "memories"), group["value"] * 100, "")
    drawing.logarithmic(axes, "x", "y")
    drawing.logarithmic(beside, "x")
    stored = sorted(set(factor(shown, "memories")))
    for panel in (axes, beside):
        panel.set_xticks(stored, [f"{count:,}" for count in stored])
        panel.set_xlabel("memories stored")
    axes.set_ylabel("time of a lookup (ms); dashed: P95")
    beside.set_ylabel("lookups that found their memory (%)")
    beside.set_ylim(-2, 102)
    alt = f"{title}. Time of a lookup and its recall over the number of memories."
    return [drawing.finish(figure, "memory-retrieval", title, alt, scene.notes(shown))]


def _soak(scene: Scene) -> list[Drawn]:
    growth = scene.measured("anonymous_growth", part="soak")
    return [_grown(scene, rows) for _, rows in growth.groupby("condition")]


def _grown(scene: Scene, growth: pd.DataFrame) -> Drawn:
    listed = ", ".join(
        f"{subject} {_slope(growth.loc[growth['subject'] == subject, 'value'])}"
        for subject in scene.subjects(growth["subject"])
    )
    work, turns = str(factor(growth, "work").iloc[0]), int(factor(growth, "turns").iloc[0])
    said = f"Growth after the warm-up: {listed}"
    if turns < _TURNS_TO_GROW:
        said = f"Memory over {turns} turns: too few to speak of growth"
    title = f"{scene.lead(growth)}{said}"
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
            markevery=max(1, len(part.series["turn"]) // 20),
            alpha=0.6,
            label=f"{text.plain(record.spec.subject)}, a line a block",
            **drawing.look(place),
        )
    axes.set_xlabel("turn")
    axes.set_ylabel("anonymous memory (MiB)")
    alt = f"{title}. Anonymous memory of the subject over turns, a line a block."
    return drawing.finish(figure, text.slug(f"memory-soak-{work}-{turns}"), title, alt, scene.notes(growth))


def _slope(slopes: pd.Series[float]) -> str:
    """Return the mean slope of the blocks with its interval; the median where blocks are too few for an interval."""
    if len(slopes) < ENOUGH_BLOCKS:
        return text.quantity(slopes.median(), "bytes/turn")
    reach = float(special.stdtrit(len(slopes) - 1, 0.975) * slopes.std(ddof=1) / math.sqrt(len(slopes)))
    low, high = slopes.mean() - reach, slopes.mean() + reach
    return f"{text.quantity(slopes.mean(), 'bytes/turn')} ({text.span(low, high, 'bytes/turn')})"


def _traced(scene: Scene) -> list[Drawn]:
    """Return one figure a traced condition: what ran with a model and what ran without is not one heap."""
    traced = scene.measured("heap_peak")
    return [_heap(scene, str(condition)) for condition in dict.fromkeys(traced["condition"])]


def _heap(scene: Scene, condition: str) -> Drawn:
    kinds = (("heap_peak", "heap"), ("mapped_peak", "mapped files"))
    measured = {words: scene.measured(metric) for metric, words in kinds}
    shown = {words: frame[frame["condition"] == condition] for words, frame in measured.items()}
    heap = shown["heap"]
    peaks = heap.groupby("subject")["value"].max()
    listed = ", ".join(f"{subject} {text.quantity(peaks[subject], 'bytes')}" for subject in scene.subjects(peaks.index))
    work, turns = (str(factor(heap, name).iloc[0]) for name in ("work", "turns"))
    title = f"{scene.lead(heap)}Largest heap under the tracer ({text.plain(work)}): {listed}"
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
    runs = len(heap)
    notes = [*scene.notes(heap, timed=False), f"{runs} traced trials: a look inside, not a sample"]
    alt = f"{title}. Peak of the heap and of mapped files per subject, in MiB."
    return drawing.finish(figure, text.slug(f"memory-tracer-{work}-{turns}"), title, alt, notes)


def _allocators(scene: Scene) -> list[Drawn]:
    """Return one figure a traced condition: the places that held most at the heap's peak, a panel a subject."""
    traced = scene.measured("heap_peak")
    return [drawn for _, rows in traced.groupby("condition") for drawn in _held(scene, rows)]


def _held(scene: Scene, traced: pd.DataFrame) -> list[Drawn]:
    records = {record.key: record for record in scene.records}
    held = {}
    for key, subject in zip(traced["key"], traced["subject"], strict=True):
        part = records[key].part("subject")
        held[str(subject)] = [one for one in (part.allocators if part else []) if not one.mapped][:_HOLDERS]
    subjects = [subject for subject in scene.subjects(held) if held[subject]]
    if not subjects:
        return []
    most = {subject: held[subject][0] for subject in subjects}
    listed = ", ".join(
        f"{subject}: {one.place} {text.quantity(one.size_bytes, 'bytes')}" for subject, one in most.items()
    )
    title = f"{scene.lead(traced)}Largest holder of the heap at its peak: {listed}"
    figure, panels = drawing.canvas(title, rows=len(subjects), height=1.2 + 2.1 * len(subjects), sharex=True)
    for axes, subject in zip(panels, subjects, strict=True):
        rows = held[subject]
        axes.barh(range(len(rows)), [one.size_bytes / _MIB for one in rows], color=drawing.PALETTE[1])
        axes.set_yticks(range(len(rows)), [text.plain(one.place) for one in rows], fontsize=7)
        axes.invert_yaxis()
        axes.set_title(text.plain(subject))
    panels[-1].set_xlabel("held at the peak (MiB)")
    work = factor(traced, "work").iloc[0]
    alt = f"{title}. The places in the code that held most of the heap at its peak, without mapped files."
    notes = [*scene.notes(traced, timed=False), "by the function that allocated, under the tracer"]
    return [drawing.finish(figure, text.slug(f"memory-allocators-{work}"), title, alt, notes)]
