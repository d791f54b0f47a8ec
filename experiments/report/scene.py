"""One study's part of a run, as figures and tables ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import count
from typing import Any, Protocol

import msgspec
import pandas as pd

from experiments.analysis import comparisons, order, pairing, stability
from experiments.analysis.cells import Condition
from experiments.analysis.frames import of_study, where
from experiments.analysis.installed import installed
from experiments.analysis.pairing import Pair
from experiments.analysis.run import Run
from experiments.analysis.stability import Stability
from experiments.measuring.records import Record
from experiments.report.text import plain

UNENFORCED = "limits were not enforced"


class ReportedStudy(Protocol):
    """What a report needs to know of a study: a part of `experiments.measuring.study.Study`."""

    @property
    def question(self) -> str:
        """What the study asks."""
        ...

    @property
    def references(self) -> tuple[str, ...]:
        """The subjects others are compared with."""
        ...

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the metrics to read."""
        ...

    @property
    def primary(self) -> tuple[str, ...]:
        """The names of the metrics that answer the question."""
        ...


class UnknownStudy(msgspec.Struct, frozen=True):
    """A study that this installation does not have: its records are shown, nothing is compared."""

    question: str = "This study is not installed here: its measures are shown without comparison."
    references: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()


class Scene(msgspec.Struct, frozen=True, dict=True):
    """The records of one study of a ``run``, with its references; ``factors`` are spread into columns.

    The second halves of A/A arms are in ``records``, and ``floors`` are made from them; the other tables lack them.
    """

    run: Run
    name: str
    references: tuple[str, ...]
    records: list[Record]
    trials: pd.DataFrame
    measures: pd.DataFrame
    requests: pd.DataFrame
    pairs: list[tuple[Condition, str, Pair]]
    ratios: pd.DataFrame
    conclusions: pd.DataFrame

    def measured(self, metric: str, **factors: Any) -> pd.DataFrame:
        """Return the values of ``metric`` in every condition with these factors."""
        return where(self.measures[self.measures["metric"] == metric], **factors)

    def compared(self, metric: str, **factors: Any) -> pd.DataFrame:
        """Return the within-block ratios of ``metric`` in every condition with these factors."""
        return where(self.ratios[self.ratios["metric"] == metric], **factors)

    def asked(self, **factors: Any) -> pd.DataFrame:
        """Return the answered requests of trials that ended well in conditions with these factors."""
        ended_well = set(self.trials.loc[self.trials["outcome"] == "ok", "key"])
        answered = self.requests["key"].isin(ended_well) & (self.requests["outcome"] == "ok")
        return where(self.requests[answered], **factors)

    @cached_property
    def floors(self) -> pd.DataFrame:
        """How much equal trials differ, a row an A/A arm and metric."""
        arms = self.run.floors
        return arms[arms["study"] == self.name]

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """The sentences that a table of a condition must carry, by condition."""
        by_condition = {}
        for condition, group in self.trials.groupby("condition", sort=False):
            labels = [plain(label) for labels in group["labels"] for label in labels]
            if not group["enforced"].astype(bool).all():
                labels.append(UNENFORCED)
            by_condition[str(condition)] = list(dict.fromkeys(labels))
        return by_condition

    @cached_property
    def summaries(self) -> pd.DataFrame:
        """A row a pair: its ratios summed up (`pairing.summaries`)."""
        return pairing.summaries(self.pairs)

    def subjects(self, names: Iterable[str] | None = None) -> list[str]:
        """Return subjects in the order in which they are always shown."""
        return order.subjects(self.trials["subject"] if names is None else names, self.references)

    def place(self, subject: str) -> int:
        """Return the subject's place, which fixes its colour and marker: two that share a condition differ in it."""
        return self._places[subject]

    @cached_property
    def _places(self) -> dict[str, int]:
        conditions = self.trials.groupby("subject")["condition"].agg(set).to_dict()
        places: dict[str, int] = {}
        for one in self.subjects():
            taken = {place for other, place in places.items() if conditions[one] & conditions[other]}
            places[one] = next(number for number in count() if number not in taken)
        return places

    @property
    def variants(self) -> dict[str, str]:
        """The variant of each subject, by the subject's name."""
        return dict(zip(self.trials["subject"], self.trials["variant"], strict=True))

    def lead(self, *shown: pd.DataFrame) -> str:
        """Return how the title of a figure begins whose engines ran without a model, in all of its rows or in some."""
        mine = self._trials_of(*shown)
        mine = mine[mine["engine"].notna()]
        without = mine["model"].isna()
        if mine.empty or not without.any():
            return ""
        return "No model ran. " if without.all() else "In part without a model. "

    def notes(self, *shown: pd.DataFrame, timed: bool = True) -> list[str]:
        """Return the sentences a figure of these rows must carry."""
        mine = self._trials_of(*shown)
        notes = list(dict.fromkeys(plain(label) for labels in mine["labels"] for label in labels))
        if not mine["enforced"].astype(bool).all() and UNENFORCED not in notes:
            notes.append(UNENFORCED)
        blocks = int(mine["block"].nunique())
        if timed and blocks < pairing.ENOUGH_BLOCKS:
            notes.append(f"indicative only: {blocks} block{'s' if blocks != 1 else ''}")
        return notes

    def _trials_of(self, *shown: pd.DataFrame) -> pd.DataFrame:
        """Return the trials that the rows name by key; where rows have none, as ratios, those of their conditions."""
        keys = {key for frame in shown if "key" in frame for key in frame["key"]}
        if keys:
            return self.trials[self.trials["key"].isin(list(keys))]
        conditions = {place for frame in shown for place in frame["condition"]}
        return self.trials[self.trials["condition"].isin(list(conditions))]


def scene(run: Run, name: str, study: ReportedStudy) -> Scene:
    """Return the part of ``run`` that belongs to the study called ``name``."""
    compared = comparisons.compare_study(run.cells, run.noise, name, study.references, study.primary)
    return Scene(
        run=run,
        name=name,
        references=tuple(study.references),
        records=[record for record in run.records if record.spec.study == name],
        trials=of_study(run.trials, name, twins=False),
        measures=of_study(run.measures, name, twins=False),
        requests=of_study(run.requests, name, twins=False),
        pairs=compared.pairs,
        ratios=compared.ratios,
        conclusions=compared.conclusions,
    )


def run_stability(run: Run, precision: float) -> Stability:
    """Return how stable the primary comparisons of a run's installed studies are; see `stability.stability`."""
    here, _ = installed(run.studies)
    each = []
    for part in run.split():
        scenes = [scene(part, name, here[name]) for name in part.parts[0].studies if name in here]
        each += [stability.stability(one.conclusions, one.trials, part.info.blocks, precision) for one in scenes]
    return Stability(
        comparisons=sum(study.comparisons for study in each),
        unstable=sum(study.unstable for study in each),
        blocks=max((study.blocks for study in each if study.blocks is not None), default=None),
    )


def factor(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return one factor of each row's condition; None where the condition has no such factor."""
    return pd.Series([given.get(name) for given in frame["factors"]], index=frame.index, dtype=object)
