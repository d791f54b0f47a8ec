"""Two runs of one machine: what got better or worse from the earlier to the later one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import environments, noise
from experiments.analysis.comparisons import Comparison, Pair, compare
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.frames import RunFrames
from experiments.errors import RunFolderError
from experiments.measuring.records import Outcome

_CELL = ["study", "condition", "subject"]


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


class LostTrials(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in a condition that lost more of its trials in the later run."""

    study: str
    condition: str
    subject: str
    before: str
    after: str


class RunComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything two runs have in common, compared; ``only_in_one`` counts the measures that one of them lacks."""

    changes: list[Change]
    lost: list[LostTrials]
    only_in_one: int
    software: list[str]

    def concluding(self, conclusion: Conclusion) -> list[Change]:
        """Return the changes with this conclusion, the largest first."""
        changes = (change for change in self.changes if change.comparison.conclusion is conclusion)
        return sorted(changes, key=lambda change: -abs(math.log(change.comparison.summary.geometric_mean)))

    @property
    def regressed(self) -> bool:
        """Whether anything got worse beyond the noise, or more trials were lost."""
        return bool(self.concluding(Conclusion.HURTS) or self.lost)


def compare_runs(before: RunFrames, after: RunFrames, wanted: Mapping[str, Sequence[str]]) -> RunComparison:
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
    cells, earlier = _cells(after, wanted), _cells(before, wanted)
    floors = [
        {str(name): noise.floors(group) for name, group in run.measures.groupby("study")} for run in (before, after)
    ]
    places, values_of_blocks, pairs = [], [], []
    for place in (place for place in earlier if place in cells):
        both = {"before": earlier[place]["value"], "after": cells[place]["value"]}
        values = pd.concat(both, axis="columns", join="inner").sort_index()
        if values.empty:
            continue
        arms = [noise.floor(run[place.study], place.metric, cells[place]["factors"].iloc[0]) for run in floors]
        places.append(place)
        values_of_blocks.append(values)
        pairs.append(
            Pair(
                ratios=tuple((values["after"] / values["before"]).tolist()),
                better=metrics.get(place.metric).better,
                floor=max((floor for floor in arms if floor is not None), default=None),
            )
        )
    changes = [
        Change(
            study=place.study,
            condition=place.condition,
            subject=place.subject,
            metric=place.metric,
            before=float(values["before"].median()),
            after=float(values["after"].median()),
            comparison=comparison,
        )
        for place, values, comparison in zip(places, values_of_blocks, compare(pairs), strict=True)
    ]
    return RunComparison(
        changes=changes,
        lost=_lost(before, after),
        only_in_one=len(cells.keys() ^ earlier.keys()),
        software=environments.software(before.info, after.info),
    )


class _Place(NamedTuple):
    """What a cell of one run must share with a cell of the other to be compared with it, and the metric."""

    study: str
    condition: str
    subject: str
    model: str
    metric: str


def _cells(run: RunFrames, wanted: Mapping[str, Sequence[str]]) -> dict[_Place, pd.DataFrame]:
    """Return the values of each cell in each wanted metric that has a better side, by block."""
    judged = {
        (study, name) for study, names in wanted.items() for name in names if metrics.get(name).better != "neither"
    }
    kept = run.measures[~run.measures["traced"].astype(bool) & ~run.measures["twin"].astype(bool)]
    # A shape that a study asked for is made anew on each machine: equal names are not yet equal models.
    engines = {record.key: record.spec.engine for record in run.records}
    models = {key: (engine.model_sha256 or "") if engine else "" for key, engine in engines.items()}
    kept = kept.assign(model=kept["key"].map(models).astype(object))
    cells = {}
    for names, group in kept.groupby([*_CELL, "model", "metric"], sort=False):
        place = _Place(*map(str, names))
        if (place.study, place.metric) in judged and (group["value"] > 0).all():
            cells[place] = group.set_index("block")
    return cells


def _lost(before: RunFrames, after: RunFrames) -> list[LostTrials]:
    earlier, later = _ended(before), _ended(after)
    lost = []
    for place, (bad, tried) in later.items():
        if place not in earlier:
            continue
        bad_before, tried_before = earlier[place]
        if bad * tried_before > bad_before * tried:
            study, condition, subject = place
            lost.append(
                LostTrials(
                    study=study,
                    condition=condition,
                    subject=subject,
                    before=f"{bad_before} of {tried_before}",
                    after=f"{bad} of {tried}",
                )
            )
    return lost


def _ended(run: RunFrames) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return how many trials of each cell were lost, of how many that count."""
    valid = run.trials[run.trials["outcome"] != Outcome.INVALID]
    lost = (valid["outcome"] != Outcome.OK).groupby([valid[name] for name in _CELL], sort=False)
    return {tuple(map(str, place)): (int(ended.sum()), len(ended)) for place, ended in lost}
