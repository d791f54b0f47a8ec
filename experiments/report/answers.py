"""What a run answers, in a few lines: the comparisons a reader comes for, each judged by the rules of the analysis.

The README's table, the head of the report and its first figure are made of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import noise
from experiments.analysis.findings import Judged, Pair, judge
from experiments.analysis.frames import Run
from experiments.analysis.order import natural
from experiments.measuring.records import Scalar
from experiments.metrics.interface import Metric


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a measure of two subjects in the conditions that have these factors. The paper calls it ``name``."""

    name: str
    title: str
    study: str
    metric: str
    before: str
    after: str
    factors: dict[str, Scalar] = {}


_SLEEPS: dict[str, Scalar] = {"work": "sleep", "requests": 50, "kilobytes": 100}
_INFERENCE: dict[str, Scalar] = {"work": "inference", "requests": 5}
_BESIDE: dict[str, Scalar] = {"work": "load isolation"}
_COLD: dict[str, Scalar] = {"page_cache": "cold", "pause_s": None, "shape": None}
_MEMORIES: dict[str, Scalar] = {"memories": 10_000}
_TOLD: dict[str, Scalar] = {"part": "answers", "turns": 500}
_USERS: dict[str, Scalar] = {"work": "inference", "users": 50, "arrivals": "closed"}
_LADDER: dict[str, Scalar] = {"work": "serial simulation", "ladder": "add-one"}
LINES = (
    Line(name="sleeps-3", title="50 sleeping requests, 3 threads (no model)",
         study="isolation", metric="total_time",
         before="serial", after="offloaded-3", factors=_SLEEPS),
    Line(name="sleeps-7", title="50 sleeping requests, 7 threads (no model)",
         study="isolation", metric="total_time",
         before="serial", after="offloaded-7", factors=_SLEEPS),
    Line(name="short-sleep", title="a short sleep beside a long one (no model)",
         study="isolation", metric="short_task_latency",
         before="serial", after="offloaded-6", factors=_BESIDE | {"task": "sleep"}),
    Line(name="short-reply", title="a short reply beside a long one, real inference",
         study="isolation", metric="short_task_latency",
         before="baseline", after="asynchronous", factors=_BESIDE | {"task": "inference"}),
    Line(name="five-users", title="5 users at once, real inference",
         study="isolation", metric="total_time",
         before="baseline", after="asynchronous", factors=_INFERENCE),
    Line(name="five-users-stall", title="the same: how long the event loop stands still",
         study="isolation", metric="loop_delay_max",
         before="baseline", after="asynchronous", factors=_INFERENCE),
    Line(name="cold-eager", title="cold start, eager",
         study="lazy-loading", metric="time_to_ready",
         before="baseline", after="asynchronous-eager", factors=_COLD),
    Line(name="cold-lazy", title="cold start, lazy",
         study="lazy-loading", metric="time_to_ready",
         before="baseline", after="asynchronous-lazy", factors=_COLD),
    Line(name="cold-lazy-reply", title="cold start to first reply, lazy",
         study="lazy-loading", metric="time_to_first_reply",
         before="baseline", after="asynchronous-lazy", factors=_COLD),
    Line(name="hit-rate", title="published cache trace, 50 entries",
         study="memory", metric="hit_rate",
         before="fifo", after="lru", factors={"trace": "published", "capacity": 50}),
    Line(name="lookup", title="lookup among 10,000 memories",
         study="memory", metric="retrieval_p50",
         before="like", after="full-text", factors=_MEMORIES),
    Line(name="lookup-recall", title="the same: memories found again",
         study="memory", metric="recall",
         before="like", after="full-text", factors=_MEMORIES),
    Line(name="lookup-equal", title="the same, against a LIKE that finds as many",
         study="memory", metric="retrieval_p50",
         before="like-scored", after="full-text", factors=_MEMORIES),
    Line(name="remembers", title="questions after 500 turns: the fact is in the prompt",
         study="memory", metric="evidence_in_prompt",
         before="baseline", after="asynchronous", factors=_TOLD),
    Line(name="answers", title="the same: right answers",
         study="memory", metric="right_answers",
         before="baseline", after="asynchronous", factors=_TOLD),
    Line(name="fifty-users", title="50 users over a socket, real inference",
         study="load", metric="throughput",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(name="fifty-users-latency", title="the same",
         study="load", metric="latency_p50",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(name="fifty-users-memory", title="the same",
         study="load", metric="group_peak_memory",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(name="fifty-sleeps", title="50 users, a sleep in the model's place (no model)",
         study="load", metric="throughput",
         before="baseline", after="asynchronous", factors={"work": "simulation", "users": 50}),
    Line(name="fast-model", title="50 users, one 16.5 ms call at a time (no model)",
         study="load", metric="throughput",
         before="baseline", after="all", factors=_LADDER),
    Line(name="fast-model-isolation", title="the same: I/O isolation alone",
         study="load", metric="throughput",
         before="none", after="none+isolation", factors=_LADDER),
)  # fmt: skip


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One line as a run answers it: medians over blocks, and the judged ratio after over before within blocks."""

    line: Line
    metric: Metric
    before: float
    after: float
    judged: Judged


def answered(run: Run, lines: Sequence[Line] = LINES) -> list[Answered]:
    """Return every line of ``lines`` that the run measured, in order, judged as one family.

    A line whose factors fit two conditions comes twice.
    """
    floors = {study: noise.floors(group) for study, group in run.measures.groupby("study")}
    found = [one for line in lines if line.study in floors for one in _pairs(run, line, floors[line.study])]
    judged = judge([pair for _, _, pair in found])
    return [
        Answered(
            line=line,
            metric=metrics.get(line.metric),
            before=float(values[line.before].median()),
            after=float(values[line.after].median()),
            judged=said,
        )
        for (line, values, _), said in zip(found, judged, strict=True)
    ]


def _pairs(run: Run, line: Line, floors: pd.DataFrame) -> Iterator[tuple[Line, pd.DataFrame, Pair]]:
    trials, metric = _of(run.trials, line), metrics.get(line.metric)
    measures = _of(run.measures, line)
    for condition in sorted(set(measures["condition"]), key=natural):
        here = measures[(measures["condition"] == condition) & (measures["metric"] == metric.name)]
        values = here.pivot_table(index="block", columns="subject", values="value").reindex(
            columns=[line.before, line.after]
        )
        values = values.dropna().sort_index()
        positive = values[(values > 0).all(axis="columns")]  # what found nothing has no ratio to anything
        if positive.empty:
            continue
        tried = trials[trials["condition"] == condition]
        lost = (tried["outcome"] != "ok").groupby(tried["subject"]).mean()
        pair = Pair(
            ratios=tuple((positive[line.after] / positive[line.before]).tolist()),
            better=metric.better,
            floor=noise.floor(floors, metric.name, here["factors"].iloc[0]),
            uneven=lost[line.before] != lost[line.after],
        )
        yield line, values, pair


def _of(frame: pd.DataFrame, line: Line) -> pd.DataFrame:
    fits = frame["factors"].map(lambda found: all(found.get(name) == level for name, level in line.factors.items()))
    return frame[(frame["study"] == line.study) & ~frame["twin"].astype(bool) & fits.astype(bool)]
