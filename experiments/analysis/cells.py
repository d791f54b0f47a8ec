"""Cells: the trials of one subject in one condition of one run. Whatever is compared is found here, and only here.

A value that is missing is never left out without a word. A trial that counts and has no value is *lost*, and why is
kept. One that was void, disturbed by what was not measured, counts neither as lost nor as measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property

import msgspec

from experiments import metrics
from experiments.analysis import older, work
from experiments.analysis.frames import RunFrames
from experiments.analysis.order import describe, natural
from experiments.analysis.work import Work
from experiments.errors import reason
from experiments.measuring.records import Outcome, Record, Scalar
from experiments.metrics.interface import Missing

_ANSWERED = "success_rate"

Fits = Callable[[Mapping[str, Scalar]], bool]


class Condition(msgspec.Struct, frozen=True):
    """One condition of one study in one run."""

    run: str
    study: str
    condition: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric saw of a cell, by block: ``values``, and of the other trials that count, why they are ``lost``.

    ``answered`` is the share of the requests that were, where failures are not in the values already; ``records`` are
    those of all trials that count, and ``work`` what the model did in each.
    """

    subject: str
    values: Mapping[int, float]
    lost: Mapping[int, str] = {}
    answered: Mapping[int, float] = {}
    records: Mapping[int, Record] = {}
    work: tuple[Work, ...] = ()

    @property
    def worked(self) -> list[Work]:
        """What the model did in each trial, under this side's name."""
        return [msgspec.structs.replace(one, subject=self.subject) for one in self.work]

    @property
    def blocks(self) -> set[int]:
        """The blocks in which a trial counts."""
        return {*self.values, *self.lost}

    @property
    def failed(self) -> bool:
        """Whether a trial was lost for a reason of its own: it ended badly, or a request of it was not answered."""
        return any(record.outcome is not Outcome.OK for record in self.records.values()) or any(
            share < 1 for share in self.answered.values()
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the trials that count, in the order of their blocks."""
        return tuple(self.records[block].key for block in sorted(self.records))

    def began(self, block: int) -> datetime | None:
        """Return when a block's trial began."""
        return datetime.fromisoformat(self.records[block].started_at) if block in self.records else None


class Cells:
    """Every cell of a run's records, found by where it belongs."""

    def __init__(self, run: RunFrames) -> None:
        self._factors: dict[Condition, Mapping[str, Scalar]] = {}
        self._trials: dict[Condition, dict[tuple[str, bool, bool], dict[int, Record]]] = {}
        for part in run.parts:
            for record in part.records:
                spec = record.spec
                factors = older.condition(spec)
                place = Condition(part.run, spec.study, describe(factors))
                self._factors.setdefault(place, factors)
                cell = self._trials.setdefault(place, {}).setdefault((spec.subject, spec.twin, spec.traced), {})
                cell[spec.block] = record
        self._work: dict[tuple[str, str], Work | None] = {}
        self._values: dict[tuple[str, str], dict[str, float]] = {}
        shown = run.measures
        for of, key, metric, value in zip(shown["run"], shown["key"], shown["metric"], shown["value"], strict=True):
            self._values.setdefault((of, key), {})[metric] = value

    def studies(self) -> list[tuple[str, str]]:
        """Return each run with each of its studies."""
        return list(dict.fromkeys((place.run, place.study) for place in self._factors))

    def places(self, study: str, fits: Fits = lambda _: True) -> list[Condition]:
        """Return the conditions of a study that ``fits`` accepts by their factors: run by run, in natural order."""
        return [place for place in self._ordered.get(study, []) if fits(self._factors[place])]

    @cached_property
    def _ordered(self) -> dict[str, list[Condition]]:
        runs = {run: number for number, run in enumerate(dict.fromkeys(place.run for place in self._factors))}
        by_study: dict[str, list[Condition]] = {}
        for place in sorted(self._factors, key=lambda place: (runs[place.run], natural(place.condition))):
            by_study.setdefault(place.study, []).append(place)
        return by_study

    def factors(self, place: Condition) -> Mapping[str, Scalar]:
        """Return the levels of a condition's factors."""
        return self._factors[place]

    def subjects(self, place: Condition, *, twins: bool = False) -> list[str]:
        """Return what was tried in a condition without a tracer; ``twins``: only what has an A/A arm there."""
        tried = (subject for subject, twin, traced in self._trials[place] if twin == twins and not traced)
        return list(dict.fromkeys(tried))

    def metrics(self, place: Condition, subject: str) -> list[str]:
        """Return the metrics that some trial of a subject has a value of."""
        trials = self._trials[place].get((subject, False, False), {})
        return list(dict.fromkeys(name for one in trials.values() for name in self._of(place, one)))

    def side(self, place: Condition, subject: str, metric: str, *, twin: bool = False) -> Side | None:
        """Return what a metric saw of a subject in a condition; None where it was not tried there."""
        trials = self._trials.get(place, {}).get((subject, twin, metrics.get(metric).traced))
        if trials is None:
            return None
        values, lost, answered, records = {}, {}, {}, {}
        for block, record in sorted(trials.items()):
            if record.outcome is Outcome.INVALID:
                continue
            records[block] = record
            here = self._of(place, record)
            value = here.get(metric)
            if _ANSWERED in here and not metrics.get(metric).counts_failures:
                answered[block] = here[_ANSWERED]
            if value is None:
                lost[block] = _why_lost(record, metric)
            else:
                values[block] = value
        done = tuple(one for record in records.values() if (one := self._worked(place, record)) is not None)
        return Side(subject=subject, values=values, lost=lost, answered=answered, records=records, work=done)

    def _worked(self, place: Condition, record: Record) -> Work | None:
        # Every metric of a cell asks for it.
        asked = (place.run, record.key)
        if asked not in self._work:
            self._work[asked] = work.of(record)
        return self._work[asked]

    def _of(self, place: Condition, record: Record) -> Mapping[str, float]:
        return self._values.get((place.run, record.key), {})


def _why_lost(record: Record, metric: str) -> str:
    if record.outcome is not Outcome.OK:
        return str(record.outcome)
    try:
        found = metrics.get(metric).of(record)
    except Exception as error:
        if metric not in metrics.outside():
            raise
        return f"the metric failed: {reason(error)}"
    return found.reason if isinstance(found, Missing) else "it has no value"
