"""A run as people read it: its records as tables, and what the analysis makes of them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from experiments.analysis import claims, comparisons, verdicts
from experiments.analysis.comparisons import StudyComparisons
from experiments.analysis.frames import RunFrames, of_study, read_frames
from experiments.analysis.installed import installed

if TYPE_CHECKING:
    from experiments.measuring.study import Study


class Run(RunFrames, frozen=True, kw_only=True, dict=True):
    """One run or several. What the analysis makes of the records is computed when it is first asked for.

    Nothing is compared or pooled across runs.
    """

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Each subject's value over its reference's in the same block, of every metric whose ratio means something."""
        return _joined([(run, study.ratios) for run, study in self._studies])

    @cached_property
    def floors(self) -> pd.DataFrame:
        """How much equal trials differ, from the A/A arms."""
        return _joined([(run, study.floors) for run, study in self._studies])

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The pairs summed up over blocks, with intervals; with conclusions in the primary metrics of each study."""
        return _joined([(run, study.summary()) for run, study in self._studies])

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What the run says of every published claim, a row a condition."""
        return verdicts.table(verdicts.judge(self, claims.load()))

    @property
    def uncompared(self) -> tuple[str, ...]:
        """A sentence for each study of which this installation cannot compare anything."""
        return tuple(self._installed[1].values())

    @cached_property
    def _installed(self) -> tuple[dict[str, type[Study]], dict[str, str]]:
        return installed(self.trials["study"])

    @cached_property
    def _studies(self) -> list[tuple[str, StudyComparisons]]:
        """The comparisons of each study, with the id of the run that they lie inside."""
        runs = self.split()
        compared = [
            (run.parts[0].run, _compared(run, name, study))
            for name, study in self._installed[0].items()
            for run in runs
            if name in run.parts[0].studies
        ]
        return compared or [("", comparisons.compare_study(self.trials.iloc[:0], self.measures.iloc[:0], (), ()))]


def load_run(path: str | Path | None = None, *, unfinished: bool = False) -> Run:
    """Read the run in folder ``path``, or every run in a folder of runs; None: the reference.

    With ``unfinished`` runs are read, too, of which some trials are still to be run; without, those raise
    `UnfinishedRun`. Raises `RunFolderError` where the folder holds no run, one of another schema, records of
    different environments in one run, or one run twice.
    """
    frames = read_frames(path, unfinished=unfinished)
    return Run(**{name: getattr(frames, name) for name in RunFrames.__struct_fields__})


def _compared(run: Run, name: str, study: type[Study]) -> StudyComparisons:
    return comparisons.compare_study(
        of_study(run.trials, name), of_study(run.measures, name), study.references, study.primary
    )


def _joined(compared: list[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    frames = [frame.assign(run=run) for run, frame in compared]
    for frame in frames:
        frame.insert(0, "run", frame.pop("run"))
    # A frame without rows has no types, and would take them from the others.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
