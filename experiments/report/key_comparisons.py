"""The comparisons a reader comes for, as a run measured them: each with its conclusion.

The table of results in Markdown, the head of the report and its first figure are made of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import noise
from experiments.analysis.comparisons import Comparison, Pair, compare
from experiments.analysis.frames import RunFrames
from experiments.analysis.order import natural
from experiments.measuring.records import Scalar
from experiments.metrics.interface import Metric


class KeyComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared: a metric of two subjects in the conditions that have these factors.

    The paper calls it ``name``.
    """

    name: str
    title: str
    study: str
    metric: str
    before: str
    after: str
    factors: dict[str, Scalar] = {}


_OWN = ("baseline", "asynchronous")
_SLEEPS: dict[str, Scalar] = {"work": "sleep", "requests": 50, "kilobytes": 100}
_INFERENCE: dict[str, Scalar] = {"work": "inference", "requests": 5}
_BESIDE: dict[str, Scalar] = {"work": "load isolation"}
_COLD: dict[str, Scalar] = {"page_cache": "cold", "pause_s": None, "shape": None}
_MEMORIES: dict[str, Scalar] = {"memories": 10_000}
_ANSWERS: dict[str, Scalar] = {"part": "answers", "turns": 500}
_USERS: dict[str, Scalar] = {"work": "inference", "users": 50, "arrivals": "closed"}
_LADDER: dict[str, Scalar] = {"work": "serial simulation", "ladder": "add-one", "of": "asynchronous"}
KEY_COMPARISONS = (
    KeyComparison(name="sleeps-3", title="50 sleeping requests, 3 threads (no model)",
                  study="isolation", metric="total_time",
                  before="serial", after="offloaded-3", factors=_SLEEPS),
    KeyComparison(name="sleeps-7", title="50 sleeping requests, 7 threads (no model)",
                  study="isolation", metric="total_time",
                  before="serial", after="offloaded-7", factors=_SLEEPS),
    KeyComparison(name="short-sleep", title="a short sleep beside a long one (no model)",
                  study="isolation", metric="short_task_latency",
                  before="serial", after="offloaded-6", factors=_BESIDE | {"task": "sleep"}),
    KeyComparison(name="short-reply", title="a short reply beside a long one, real inference",
                  study="isolation", metric="short_task_latency",
                  before="baseline", after="asynchronous", factors=_BESIDE | {"task": "inference"}),
    KeyComparison(name="five-users", title="5 users at once, real inference",
                  study="isolation", metric="total_time",
                  before="baseline", after="asynchronous", factors=_INFERENCE),
    KeyComparison(name="five-users-stall", title="the same: how long the event loop stands still",
                  study="isolation", metric="loop_delay_max",
                  before="baseline", after="asynchronous", factors=_INFERENCE),
    KeyComparison(name="cold-eager", title="cold start, eager",
                  study="lazy-loading", metric="time_to_ready",
                  before="baseline", after="asynchronous-eager", factors=_COLD),
    KeyComparison(name="cold-lazy", title="cold start, lazy",
                  study="lazy-loading", metric="time_to_ready",
                  before="baseline", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="cold-lazy-reply", title="cold start to first reply, lazy",
                  study="lazy-loading", metric="time_to_first_reply",
                  before="baseline", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="cold-lazy-eager", title="cold start, lazy against eager of the same agent",
                  study="lazy-loading", metric="time_to_ready",
                  before="asynchronous-eager", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="cold-lazy-eager-reply", title="the same, to first reply",
                  study="lazy-loading", metric="time_to_first_reply",
                  before="asynchronous-eager", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="cold-lazy-fast", title="cold start, lazy against the baseline with the fast segmenter",
                  study="lazy-loading", metric="time_to_ready",
                  before="baseline-fast-segmenter", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="cold-lazy-fast-reply", title="the same, to first reply",
                  study="lazy-loading", metric="time_to_first_reply",
                  before="baseline-fast-segmenter", after="asynchronous-lazy", factors=_COLD),
    KeyComparison(name="hit-rate", title="published cache trace, 50 entries",
                  study="memory", metric="hit_rate",
                  before="fifo", after="lru", factors={"trace": "published", "capacity": 50}),
    KeyComparison(name="lookup", title="lookup among 10,000 memories",
                  study="memory", metric="retrieval_p50",
                  before="like", after="full-text", factors=_MEMORIES),
    KeyComparison(name="lookup-recall", title="the same: memories found again",
                  study="memory", metric="recall",
                  before="like", after="full-text", factors=_MEMORIES),
    KeyComparison(name="lookup-equal", title="the same, against a LIKE that finds as many",
                  study="memory", metric="retrieval_p50",
                  before="like-scored", after="full-text", factors=_MEMORIES),
    KeyComparison(name="remembers", title="questions after 500 turns: the fact is in the prompt",
                  study="memory", metric="evidence_in_prompt",
                  before="baseline", after="asynchronous", factors=_ANSWERS),
    KeyComparison(name="answers", title="the same: right answers",
                  study="memory", metric="right_answers",
                  before="baseline", after="asynchronous", factors=_ANSWERS),
    KeyComparison(name="fifty-users", title="50 users over a socket, real inference",
                  study="load", metric="throughput",
                  before="baseline", after="asynchronous", factors=_USERS),
    KeyComparison(name="fifty-users-latency", title="the same",
                  study="load", metric="latency_p50",
                  before="baseline", after="asynchronous", factors=_USERS),
    KeyComparison(name="fifty-users-memory", title="the same",
                  study="load", metric="group_peak_memory",
                  before="baseline", after="asynchronous", factors=_USERS),
    KeyComparison(name="fifty-sleeps", title="50 users, a sleep in the model's place (no model)",
                  study="load", metric="throughput",
                  before="baseline", after="asynchronous", factors={"work": "simulation", "users": 50}),
    KeyComparison(name="fast-model", title="50 users, one 16.5 ms call at a time (no model)",
                  study="load", metric="throughput",
                  before="baseline", after="all", factors=_LADDER),
    KeyComparison(name="fast-model-isolation", title="the same: I/O isolation alone",
                  study="load", metric="throughput",
                  before="none", after="none+isolation", factors=_LADDER),
)  # fmt: skip


class MeasuredComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A key comparison as a run measured it: medians over blocks, and ``after`` over ``before`` within blocks."""

    key: KeyComparison
    metric: Metric
    before: float
    after: float
    comparison: Comparison


def of_run(run: RunFrames) -> list[KeyComparison]:
    """Return the key comparisons of a run's systems: those of the lab's own, then the same for every other system.

    A comparison of one agent with another is made for each further system as it comes, beside the same reference.
    """
    others = [name for name in run.info.systems if name not in _OWN]
    again = [
        msgspec.structs.replace(key, name=f"{key.name}-{name}", title=f"{key.title}: {name}", after=name)
        for name in others
        for key in KEY_COMPARISONS
        if (key.before, key.after) == _OWN
    ]
    return [*KEY_COMPARISONS, *again]


def measured(run: RunFrames, wanted: Sequence[KeyComparison] | None = None) -> list[MeasuredComparison]:
    """Return those of ``wanted`` that the run measured, in order, compared as one family; None: those `of_run`.

    One whose factors fit two conditions comes twice.
    """
    wanted = of_run(run) if wanted is None else wanted
    floors = {study: noise.floors(group) for study, group in run.measures.groupby("study")}
    placed = [each for key in wanted if key.study in floors for each in _pairs(run, key, floors[key.study])]
    comparisons = compare([pair for _, _, pair in placed])
    return [
        MeasuredComparison(
            key=key,
            metric=metrics.get(key.metric),
            before=float(values[key.before].median()),
            after=float(values[key.after].median()),
            comparison=comparison,
        )
        for (key, values, _), comparison in zip(placed, comparisons, strict=True)
    ]


def _pairs(
    run: RunFrames, key: KeyComparison, floors: pd.DataFrame
) -> Iterator[tuple[KeyComparison, pd.DataFrame, Pair]]:
    """Yield each condition that fits, as the values of both subjects by block and the pair they make."""
    trials, metric = _fitting(run.trials, key), metrics.get(key.metric)
    measures = _fitting(run.measures, key)
    for condition in sorted(set(measures["condition"]), key=natural):
        here = measures[(measures["condition"] == condition) & (measures["metric"] == metric.name)]
        values = here.pivot_table(index="block", columns="subject", values="value").reindex(
            columns=[key.before, key.after]
        )
        values = values.dropna().sort_index()
        positive = values[(values > 0).all(axis="columns")]  # a value of 0 has no ratio to anything
        if positive.empty:
            continue
        tried = trials[trials["condition"] == condition]
        lost = (tried["outcome"] != "ok").groupby(tried["subject"]).mean()
        pair = Pair(
            ratios=tuple((positive[key.after] / positive[key.before]).tolist()),
            better=metric.better,
            floor=noise.floor(floors, metric.name, here["factors"].iloc[0]),
            uneven=lost[key.before] != lost[key.after],
        )
        yield key, values, pair


def _fitting(frame: pd.DataFrame, key: KeyComparison) -> pd.DataFrame:
    """Return the rows of the conditions that have the factors, without the second halves of A/A arms."""
    fits = frame["factors"].map(lambda given: all(given.get(name) == level for name, level in key.factors.items()))
    return frame[(frame["study"] == key.study) & ~frame["twin"].astype(bool) & fits.astype(bool)]
