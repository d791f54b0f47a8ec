"""Running a plan: trials until none is missing, on and on until it is stable if so asked, then the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from experiments.commands import console
from experiments.errors import Interrupted, RunFolderError
from experiments.measuring import records
from experiments.measuring.limits.interface import Backend
from experiments.measuring.plan import Plan
from experiments.measuring.records import Outcome
from experiments.measuring.resuming import command_to_resume
from experiments.measuring.runs import RunFolder, RunInfo
from experiments.measuring.study import GRADED
from systems.errors import ExitCode

Longer = Callable[[RunInfo, Path], tuple[RunInfo, Plan] | None]
"""Given a run that has every record of its plan, the same run with more blocks; None where it needs no more."""


def run_all(
    info: RunInfo,
    plan: Plan,
    path: Path,
    models: Mapping[str, Path],
    backend: Backend,
    *,
    resuming: bool,
    longer: Longer,
    keep_going: bool,
) -> None:
    """Run what is missing of ``plan`` in the folder ``path``, then what ``longer`` adds, and write the report.

    Raises `Interrupted`, `StorageError`, `RunFolderError` where another runner is at work, `WholeBlockVoid` where one
    was, unless ``keep_going``, and `typer.Exit` where no trial ended ok.
    """
    from experiments.report.build import build

    with RunFolder(path) as folder:
        if not resuming and folder.trials.exists():
            raise RunFolderError(f"{path} holds a run that was begun a moment ago; choose another --out.")
        try:
            _measure(info, plan, folder, models, backend, keep_going=keep_going)
            while (more := longer(info, path)) is not None:
                info, plan = more
                _measure(info, plan, folder, models, backend, keep_going=keep_going)
            every = records.read(folder.trials)
            try:
                report = build(path)
            finally:  # whatever keeps the report from being written
                console.print_outcomes(every, path)
            console.out.say(f"Report: {report}")
        except KeyboardInterrupt:
            done = len({record.key for record in records.read(folder.trials)})
            again = command_to_resume(folder.path, info, models=models)
            raise Interrupted(
                f"Interrupted. {done} of {info.planned} trials are recorded; go on with: {again}"
            ) from None
    if not any(record.outcome is Outcome.OK for record in every):
        console.err.say("No trial ended ok: nothing was measured.")
        raise typer.Exit(ExitCode.NOTHING_MEASURED)


def prepare() -> None:
    """Write what the first trial must not be the one to write. Raises `CannotWrite`."""
    from experiments.measuring import runner  # with numpy: only who measures waits for it

    runner.prepare()


def no_longer(_info: RunInfo, _path: Path) -> None:
    """Return none: the run has the blocks it was asked for."""


def _measure(
    info: RunInfo, plan: Plan, folder: RunFolder, models: Mapping[str, Path], backend: Backend, *, keep_going: bool
) -> None:
    """Run the trials of the plan that have no record yet. Raises `KeyboardInterrupt` and `WholeBlockVoid`."""
    from experiments.measuring import runner  # with numpy: only who measures waits for it

    folder.write_info(info)
    todo = runner.missing(plan.trials, records.read(folder.trials))
    every = {spec.key: seconds for spec, seconds in zip(plan.trials, plan.seconds, strict=True)}
    expected = {spec.key: every[spec.key] for spec in todo}
    console.err.say(
        f"{len(todo)} of {len(plan.trials)} trials to run under {info.profile.name} "
        f"({info.backend}), about {console.duration(sum(expected.values()))}; records in {folder.path}"
    )
    with console.TrialProgress(expected) as progress:
        runner.run(
            todo,
            folder,
            backend,
            info.profile,
            info.run_id,
            models=models,
            voids_noise=info.preset in GRADED,
            on_start=progress.started,
            on_finish=progress.finished,
            keep_going=keep_going,
        )
