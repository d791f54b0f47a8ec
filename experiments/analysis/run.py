"""A run as people read it: its records as tables, and what the analysis makes of them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from experiments.analysis import claims, comparisons, verdicts
from experiments.analysis.cells import Cells
from experiments.analysis.comparisons import StudyComparisons
from experiments.analysis.frames import RunFrames, read_frames
from experiments.analysis.installed import installed
from experiments.analysis.noise import Floors

if TYPE_CHECKING:
    from experiments.measuring.study import Study


class Run(RunFrames, frozen=True, kw_only=True, dict=True):
    """One run or several. What the analysis makes of the records is computed when it is first asked for.

    Nothing is compared or pooled across runs.
    """

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

    @property
    def uncompared(self) -> tuple[str, ...]:
        """A sentence for each study of which this installation cannot compare anything."""
        return tuple(self._installed[1].values())

    @cached_property
    def _installed(self) -> tuple[dict[str, type[Study]], dict[str, str]]:
        return installed(self.trials["study"])

    @cached_property
    def _studies(self) -> list[StudyComparisons]:
        compared = [
            comparisons.compare_study(self.cells, self.noise, name, study.references, study.primary)
            for name, study in self._installed[0].items()
        ]
        return compared or [comparisons.compare_study(self.cells, self.noise, "", (), ())]


def load_run(path: str | Path | None = None, *, unfinished: bool = False, studies: Collection[str] = ()) -> Run:
    """Read the run in folder ``path``, or every run in a folder of runs; None: the reference.

    With ``studies`` only the runs that were asked for one of these, each whole: the others are not opened. With
    ``unfinished`` runs are read, too, of which some trials are still to be run; without, those raise `UnfinishedRun`.
    Raises `RunFolderError` where the folder holds no run, none of ``studies``, one of another schema, records of
    different environments in one run, or one run twice.
    """
    frames = read_frames(path, unfinished=unfinished, studies=studies)
    return Run(**{name: getattr(frames, name) for name in RunFrames.__struct_fields__})


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    # A frame without rows has no types, and would take them from the others.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
