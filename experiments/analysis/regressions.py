"""Two runs of one machine: what got better or worse from the earlier to the later one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from experiments import metrics
from experiments.analysis import environments
from experiments.analysis.cells import Side
from experiments.analysis.comparisons import Comparison, compare
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.pairing import NO_RATIO, Pair, counted
from experiments.analysis.run import Run
from experiments.errors import RunFolderError
from experiments.measuring.records import Outcome

REQUESTS = "requests"
"""What was lost where trials ended well, and a smaller share of their requests was answered."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one subject in one condition: medians of both runs, and the later compared with the earlier.

    ``comparison.conclusion`` says whether the later run is better (*helps*) or worse (*hurts*).
    """

    study: str
    condition: str
    subject: str
    metric: str
    before: float
    after: float
    comparison: Comparison

    @property
    def median_ratio(self) -> float:
        """The median over blocks of the later run's value over the earlier's."""
        return median(self.comparison.pair.ratios)


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in a condition that lost more in the later run: trials, or one measure of them.

    ``measure`` is a metric's name, `REQUESTS`, or empty where whole trials were lost. ``before`` and ``after`` say in
    words how many of the trials that count.
    """

    study: str
    condition: str
    subject: str
    measure: str
    before: str
    after: str


class RunComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything two runs have in common, compared; ``only_in_one`` counts the measures that one of them lacks.

    ``studies_in_one`` are the studies of folders of runs that one of them lacks.
    """

    changes: list[Change]
    lost: list[Losses]
    only_in_one: int
    software: list[str]
    studies_in_one: tuple[str, ...] = ()

    def concluding(self, conclusion: Conclusion) -> list[Change]:
        """Return the changes with this conclusion, the largest first."""
        changes = (change for change in self.changes if change.comparison.conclusion is conclusion)
        return sorted(changes, key=_size, reverse=True)

    @property
    def regressed(self) -> bool:
        """Whether anything got worse beyond the noise, or more was lost."""
        return bool(self.concluding(Conclusion.HURTS) or self.lost)


def compare_runs(before: Run, after: Run, wanted: Mapping[str, Sequence[str]]) -> RunComparison:
    """Compare two runs in each study's ``wanted`` metrics, as one family.

    A block of one run is paired with the same block of the other: they have the same seed, so the same work. They do
    not share a moment; how the machine's pace differs between them is in the spread of the ratios. The noise floor is
    the larger of the two runs'. Raises `RunFolderError` where the runs' environments or seeds forbid it.
    """
    forbids = environments.differences(before.info, after.info)
    if forbids:
        raise RunFolderError(
            f"The runs {before.info.run_id} and {after.info.run_id} cannot be compared. They differ in: "
            f"{'; '.join(forbids)}."
        )
    sides, earlier = (_sides(run, wanted) for run in (after, before))
    pairs = [(place, _pair(place, earlier[place], sides[place])) for place in earlier if place in sides]
    shared = [(place, pair) for place, pair in pairs if pair.numbers]
    changes = [
        Change(
            study=place.study,
            condition=place.condition,
            subject=place.subject,
            metric=place.metric,
            before=_median(pair.reference, pair.numbers),
            after=_median(pair.subject, pair.numbers),
            comparison=comparison,
        )
        for (place, pair), comparison in zip(shared, compare([pair for _, pair in shared]), strict=True)
    ]
    return RunComparison(
        changes=changes,
        lost=_lost(pairs),
        only_in_one=len(sides.keys() ^ earlier.keys()),
        software=environments.software(before.info, after.info),
    )


def _pair(place: _Place, earlier: _Seen, later: _Seen) -> Pair:
    return Pair(
        subject=msgspec.structs.replace(later.side, subject="the later run"),
        reference=msgspec.structs.replace(earlier.side, subject="the earlier run"),
        better=metrics.get(place.metric).better,
        exact=metrics.get(place.metric).exact,
        floor=max((floor for floor in (earlier.floor, later.floor) if floor is not None), default=None),
        together=False,
    )


def _size(change: Change) -> float:
    return abs(math.log(change.comparison.summary.geometric_mean)) if change.comparison.summary else math.inf


def _median(side: Side | None, blocks: Iterable[int]) -> float:
    return median(side.values[block] for block in blocks) if side else math.nan


class _Place(NamedTuple):
    """What a cell of one run must share with a cell of the other to be compared with it, and the metric."""

    study: str
    condition: str
    subject: str
    model: str
    workload: str
    metric: str


class _Seen(NamedTuple):
    """What a metric saw of a cell, and its noise floor."""

    side: Side
    floor: float | None


def _sides(run: Run, wanted: Mapping[str, Sequence[str]]) -> dict[_Place, _Seen]:
    """Return what each wanted metric that has a better side saw of each cell, with its noise floor.

    A metric that no trial of a cell has is there, too: the other run may have it.
    """
    found = {}
    for study, names in wanted.items():
        judged = [name for name in names if metrics.get(name).better != "neither" and not metrics.get(name).traced]
        for place in run.cells.places(study):
            for subject in run.cells.subjects(place):
                for name in judged:
                    side = run.cells.side(place, subject, name)
                    if side is not None and side.records:
                        cell = _Place(study, place.condition, subject, *_asked(side), name)
                        found[cell] = _Seen(side, run.noise.of(place, name))
    return found


def _asked(side: Side) -> tuple[str, str]:
    """Return the digest of the model, a shape being made anew on each machine; and the workload."""
    spec = next(iter(side.records.values())).spec
    return (spec.engine.model_sha256 or "") if spec.engine else "", spec.workload


def _lost(pairs: Iterable[tuple[_Place, Pair]]) -> list[Losses]:
    """Return where the later run lost more: whole trials once for all their measures, requests, and measures."""
    found: dict[tuple[str, ...], Losses] = {}
    for place, pair in pairs:
        assert pair.reference is not None
        for measure, earlier, later in _losses(place, pair, pair.reference):
            where = {"study": place.study, "condition": place.condition, "subject": place.subject, "measure": measure}
            found.setdefault(tuple(where.values()), Losses(**where, before=earlier, after=later))
    return list(found.values())


def _losses(place: _Place, pair: Pair, reference: Side) -> Iterator[tuple[str, str, str]]:
    """Yield what was lost, and how much in either run, in words, where the later one lost more."""
    earlier, later = (
        {block: why for block, why in pair.missing(side).items() if why != NO_RATIO}
        for side in (reference, pair.subject)
    )
    tried, tried_before = len(pair.subject.blocks), len(reference.blocks)
    if len(later) * tried_before > len(earlier) * tried:
        whole = all(pair.subject.records[block].outcome is not Outcome.OK for block in later)
        yield "" if whole else place.metric, counted(earlier, tried_before), counted(later, tried)
    elif pair.unanswered:
        yield REQUESTS, *pair.unanswered
    # Of what is the better the lower, 0 is the best: no ratio tells that it is no longer had.
    shared = pair.subject.blocks & reference.blocks
    gone = [block for block in shared if reference.values.get(block) == 0 and pair.subject.values.get(block, 0) > 0]
    if pair.better == "lower" and gone:
        yield place.metric, f"0 in {len(gone)} of {len(shared)}", f"above 0 in {len(gone)} of {len(shared)}"
