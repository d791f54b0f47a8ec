"""A run as people read it: its records as tables, and what the analysis makes of them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd

from experiments.analysis import claims, comparisons, verdicts
from experiments.analysis.cells import Cells
from experiments.analysis.comparisons import StudyComparisons
from experiments.analysis.frames import RunFrames, read_frames
from experiments.analysis.noise import Floors


class Run(RunFrames, frozen=True, kw_only=True, dict=True):
    """One run. What the analysis makes of its records is computed when it is first asked for."""

    @cached_property
    def cells(self) -> Cells:
        """The trials, found by where they belong."""
        return Cells(self)

    @cached_property
    def noise(self) -> Floors:
        """How much equal trials differ, by place, metric and scale."""
        return Floors(self.cells)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Each subject's value over its reference's in the same block, of every metric whose ratio means something."""
        return _joined([study.ratios for study in self._studies])

    @cached_property
    def floors(self) -> pd.DataFrame:
        """How much equal trials differ, a row an A/A arm and metric."""
        return self.noise.table()

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """The pairs summed up over blocks, with intervals; with conclusions in the primary metrics of each study."""
        return _joined([study.summary for study in self._studies])

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What the run says of every published claim, a row a condition."""
        return verdicts.table(verdicts.judge(self, claims.load()))

    @cached_property
    def _studies(self) -> list[StudyComparisons]:
        # The studies bring libraries of their own with them, which only comparisons need.
        from experiments.measuring.study import studies

        recorded = set(self.trials["study"])
        installed = {name: studies.get(name) for name in studies.names() if name in recorded}
        compared = [
            comparisons.compare_study(self.cells, self.noise, name, study.references, study.primary)
            for name, study in installed.items()
        ]
        return compared or [comparisons.compare_study(self.cells, self.noise, "", (), ())]


def load_run(path: str | Path | None = None, *, unfinished: bool = False) -> Run:
    """Read the run in folder ``path``; None: the reference run.

    With ``unfinished`` a run is read, too, of which some trials are still to be run; without, that raises
    `UnfinishedRun`. Raises `RunFolderError` where the folder holds no run, one of another schema, or records of
    different environments.
    """
    frames = read_frames(path, unfinished=unfinished)
    return Run(**{name: getattr(frames, name) for name in RunFrames.__struct_fields__})


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    # A frame without rows has no types, and would take them from the others.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
