"""The runs that a folder stands for: one, or several side by side, each with a machine, a date and code of its own.

A folder of runs is the collection of its parts: read together, shown together, and never pooled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from experiments.analysis.environments import refuse_mixed
from experiments.analysis.order import describe, natural
from experiments.errors import RunFolderError, UnfinishedRun
from experiments.measuring import records, runs
from experiments.measuring.records import Record
from experiments.measuring.resuming import command_to_resume
from experiments.measuring.runs import RunInfo


class RunPart(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One run: what its ``run.json`` says, and its records, sorted.

    A trial that was run again counts once, by its last record; ``repeated`` says how often that was so.
    """

    folder: Path
    info: RunInfo
    records: list[Record]
    repeated: int

    @property
    def run(self) -> str:
        """The run's id: the column ``run`` of every frame."""
        return self.info.run_id

    @cached_property
    def studies(self) -> tuple[str, ...]:
        """The studies that were asked for, and then those that have records all the same."""
        return tuple(dict.fromkeys([*self.info.studies, *(record.spec.study for record in self.records)]))


def read_parts(folder: Path, *, unfinished: bool, studies: Collection[str] = ()) -> tuple[RunPart, ...]:
    """Read the run in ``folder``, or every run in a folder of runs, by the names of their folders.

    With ``studies`` only the runs that were asked for one of these, each whole. Raises as
    `experiments.analysis.frames.read_frames` does; the sentence names the run that is at fault.
    """
    found = runs.folders(folder)
    if not found:
        raise RunFolderError(
            f"{folder} is not a run, nor a folder of runs: neither it nor a folder in it has a {runs.INFO}."
        )
    if studies:
        found = [each for each in found if not set(studies).isdisjoint(runs.read_info(each).studies)]
        if not found:
            raise RunFolderError(f"{folder} has no run of {' or '.join(studies)}.")
    parts = tuple(_read(each, unfinished) for each in found)
    _refuse_twice(parts)
    return parts


def _read(folder: Path, unfinished: bool) -> RunPart:
    info = runs.read_info(folder)
    every = records.read(folder / runs.TRIALS)
    refuse_mixed(info, every)
    last = {record.key: record for record in every}
    if len(last) < info.planned and not unfinished:
        raise UnfinishedRun(
            f"{folder} has {len(last)} of {info.planned} trials: go on with {command_to_resume(folder, info)}, or "
            "read what there is with load_run(..., unfinished=True)."
        )
    kept = sorted(last.values(), key=_order)
    return RunPart(folder=folder, info=info, records=kept, repeated=len(every) - len(kept))


def _refuse_twice(parts: Sequence[RunPart]) -> None:
    """Raise `RunFolderError` where two folders hold one run: each of its trials would count twice."""
    seen: dict[str, Path] = {}
    for part in parts:
        if part.run in seen:
            raise RunFolderError(f"{seen[part.run]} and {part.folder} hold the same run, {part.run}: remove one.")
        seen[part.run] = part.folder


def _order(record: Record) -> tuple[object, ...]:
    spec = record.spec
    return spec.study, natural(describe(spec.condition)), natural(spec.subject), spec.block, record.key
