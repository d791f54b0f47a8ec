"""What the agents and the batched engine each bring in a run, as two tables in Markdown, from its records alone.

The first has users in a closed loop, at each number of users; the second the engine's ladder. Where a run has no such
trials it says so in the table's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from experiments.analysis import older
from experiments.analysis.cells import Condition
from experiments.analysis.claims import Fitting
from experiments.analysis.run import Run
from experiments.report import provenance, text
from experiments.report.key_comparisons import KeyComparison, measured, ratio
from experiments.report.rungs import steps

_STUDY = "load"
_CLOSED = Fitting(factors={"work": "inference", "arrivals": "closed"}, without=("questions", "ladder", "engines"))
_LADDER = Fitting(factors={"work": "inference", "engines": "ladder"})
_START = "baseline on serial"


class _Gain(NamedTuple):
    """One of the comparisons that are made at each number of users."""

    title: str
    reference: str
    subject: str


_GAINS = (
    _Gain("asynchronous, serial engine", "baseline", "asynchronous"),
    _Gain("baseline, batched engine", "baseline", "baseline-batched"),
    _Gain("asynchronous, batched engine", "baseline", "asynchronous-batched"),
    _Gain("both on the batched engine: asynchronous over baseline", "baseline-batched", "asynchronous-batched"),
)
_BATCHED = {gain.subject for gain in _GAINS[1:]}


def section(run: Run) -> str:
    """Return both tables, each under a sentence that says what it is."""
    if _STUDY not in run.studies:
        return "The batched engine: not measured."
    # A run that another one stands beside may have none of this; it is left out where any has some.
    parts = [part for part in run.split() if _STUDY in part.studies]
    with_some = [part for part in parts if _closed_places(part) or _ladder_places(part)] or parts[:1]
    written = []
    for part in with_some:
        if len(with_some) > 1:
            written.append(f"**{provenance.told_apart(part.parts[0].info)}**")
        written += [*_closed(part), *_ladders(part)]
    return "\n\n".join(written)


def _closed_places(run: Run) -> list[Condition]:
    places = run.cells.places(_STUDY, _CLOSED.fits)
    return [place for place in places if not _BATCHED.isdisjoint(run.cells.subjects(place))]


def _ladder_places(run: Run) -> list[Condition]:
    return [place for place in run.cells.places(_STUDY, _LADDER.fits) if _START in run.cells.subjects(place)]


def _closed(run: Run) -> Iterator[str]:
    places = _closed_places(run)
    if not places:
        yield "Of users in a closed loop on the batched engine this run has no trials: not measured."
        return
    yield (
        "Users in a closed loop, real inference: throughput over that of the baseline on the serial engine, and in the "
        "last column over that of the baseline on the same engine."
    )
    rows = ["| users, questions each |" + "".join(f" {gain.title} |" for gain in _GAINS), "|---" * 5 + "|"]
    for place in places:
        factors = run.cells.factors(place)
        ratios = [_ratio(run, place, gain.reference, gain.subject) for gain in _GAINS]
        rows.append(f"| {factors['users']}, {factors['turns']} | {' | '.join(ratios)} |")
    yield "\n".join(rows)


def _ladders(run: Run) -> Iterator[str]:
    places = _ladder_places(run)
    if not places:
        yield "Of the engine's ladder this run has no trials: not measured."
    for place in places:
        factors = run.cells.factors(place)
        yield (
            f"The engine's ladder, {factors['users']} users with {factors['turns']} questions each: every step over "
            "the baseline on the serial engine, and which share of the prompts' tokens was not computed again."
        )
        rows = ["| | throughput | 95th percentile of latency | reused |", "|---|---|---|---|"]
        specs = {record.spec.subject: record.spec for record in run.records if record.spec.study == _STUDY}
        added = steps(
            [name for name in run.cells.subjects(place) if name != _START],
            _START,
            {name: older.variant(spec) for name, spec in specs.items()},
            {name: spec.system or "" for name, spec in specs.items()},
        )
        for subject, step in added.items():
            ratios = [_ratio(run, place, _START, subject, metric) for metric in ("throughput", "latency_p95")]
            rows.append(f"| {step} | {' | '.join(ratios)} | {_reuse(run, place, subject)} |")
        yield "\n".join(rows)


def _ratio(run: Run, place: Condition, reference: str, subject: str, metric: str = "throughput") -> str:
    key = KeyComparison(
        name=subject,
        study=place.study,
        metric=metric,
        reference=reference,
        subject=subject,
        factors=dict(run.cells.factors(place)),
        without=tuple(name for name in _CLOSED.without if name not in run.cells.factors(place)),
    )
    one = measured(run, [key])[0]
    return "not measured" if one.comparison is None else ratio(one)


def _reuse(run: Run, place: Condition, subject: str) -> str:
    side = run.cells.side(place, subject, "prompt_reuse")
    return text.share(median(side.values.values()) if side is not None and side.values else None)
