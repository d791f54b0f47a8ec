"""Two runs of one machine: what got better or worse from the one to the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import environments, noise
from experiments.analysis.findings import Answer, Judged, Pair, judge
from experiments.analysis.frames import Run
from experiments.errors import RunFolderError
from experiments.measuring.records import Outcome

_CELL = ["study", "condition", "subject"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one subject in one condition: medians of both runs, and the second over the first, judged.

    ``judged.answer`` says whether the second run is better (*helps*) or worse (*hurts*).
    """

    study: str
    condition: str
    subject: str
    metric: str
    before: float
    after: float
    judged: Judged


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in a condition that lost more of its trials in the second run."""

    study: str
    condition: str
    subject: str
    before: str
    after: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything two runs have in common, compared; ``alone`` counts what only one of them has."""

    changes: list[Change]
    lost: list[Lost]
    alone: int
    software: list[str]

    def of(self, said: Answer) -> list[Change]:
        """Return the changes with this answer, the largest first."""
        found = (one for one in self.changes if one.judged.answer is said)
        return sorted(found, key=lambda one: -abs(math.log(one.judged.ratio.geometric_mean)))

    @property
    def regressed(self) -> bool:
        """Whether anything got worse beyond the noise, or more trials were lost."""
        return bool(self.of(Answer.HURTS) or self.lost)


def compare_runs(before: Run, after: Run, wanted: Mapping[str, Sequence[str]]) -> Changes:
    """Compare two runs in each study's ``wanted`` metrics, judged as one family.

    A block of the one is paired with the same block of the other: they have the same seed, so the same work. They do
    not share a moment; how the machine's pace differs between them is in the spread of the ratios. The noise floor is
    the larger of the two runs'. Raises `RunFolderError` where the runs' environments or seeds forbid it.
    """
    forbids = environments.differences(before.info, after.info)
    if before.info.seed != after.info.seed:
        forbids.append("the seeds, and so the workloads,")
    if forbids:
        raise RunFolderError(
            f"The runs {before.info.run_id} and {after.info.run_id} cannot be compared: {' and '.join(forbids)} differ."
        )
    ours, theirs = _cells(after, wanted), _cells(before, wanted)
    floors = [
        {str(name): noise.floors(group) for name, group in run.measures.groupby("study")} for run in (before, after)
    ]
    found = []
    for place in (place for place in theirs if place in ours):
        both = {"before": theirs[place]["value"], "after": ours[place]["value"]}
        values = pd.concat(both, axis="columns", join="inner").sort_index()
        if len(values):
            arms = [noise.floor(each[place.study], place.metric, ours[place]["factors"].iloc[0]) for each in floors]
            pair = Pair(
                ratios=tuple((values["after"] / values["before"]).tolist()),
                better=metrics.get(place.metric).better,
                floor=max((each for each in arms if each is not None), default=None),
            )
            found.append((place, values, pair))
    judged = judge([pair for _, _, pair in found])
    return Changes(
        changes=[
            Change(
                study=place.study,
                condition=place.condition,
                subject=place.subject,
                metric=place.metric,
                before=float(values["before"].median()),
                after=float(values["after"].median()),
                judged=said,
            )
            for (place, values, _), said in zip(found, judged, strict=True)
        ],
        lost=_lost(before, after),
        alone=len(ours.keys() ^ theirs.keys()),
        software=environments.software(before.info, after.info),
    )


class _Place(NamedTuple):
    study: str
    condition: str
    subject: str
    metric: str


def _cells(run: Run, wanted: Mapping[str, Sequence[str]]) -> dict[_Place, pd.DataFrame]:
    """Return the values of each cell in each wanted metric that has a better side, by block."""
    judged = {
        (study, name) for study, names in wanted.items() for name in names if metrics.get(name).better != "neither"
    }
    kept = run.measures[~run.measures["traced"].astype(bool) & ~run.measures["twin"].astype(bool)]
    found = {}
    for names, group in kept.groupby([*_CELL, "metric"], sort=False):
        place = _Place(*map(str, names))
        if (place.study, place.metric) in judged and (group["value"] > 0).all():
            found[place] = group.set_index("block")
    return found


def _lost(before: Run, after: Run) -> list[Lost]:
    counts = [_ended(run) for run in (before, after)]
    return [
        Lost(
            study=place[0],
            condition=place[1],
            subject=place[2],
            before=f"{counts[0][place][0]} of {counts[0][place][1]}",
            after=f"{bad} of {tried}",
        )
        for place, (bad, tried) in counts[1].items()
        if place in counts[0] and bad * counts[0][place][1] > counts[0][place][0] * tried
    ]


def _ended(run: Run) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return how many trials of each cell were lost, of how many that count."""
    valid = run.trials[run.trials["outcome"] != Outcome.INVALID]
    lost = (valid["outcome"] != Outcome.OK).groupby([valid[name] for name in _CELL], sort=False)
    return {tuple(map(str, place)): (int(ended.sum()), len(ended)) for place, ended in lost}
