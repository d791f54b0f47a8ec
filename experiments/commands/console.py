"""What the command prints: tables, progress with time left, one-line errors."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import ParamSpec

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from experiments.analysis.order import natural
from experiments.commands.doctor import Finding
from experiments.errors import Interrupted
from experiments.invocation import command
from experiments.measuring.plan import Plan
from experiments.measuring.records import Outcome, Record, Scalar, Skipped, TrialSpec
from experiments.workloads.archives.interface import Archive
from systems.errors import ModelError
from systems.models import find
from systems.models.check import ModelFile

P = ParamSpec("P")

out = Console()
err = Console(stderr=True)

_STATUS = {"good": "[green]good[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/]"}


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person says it: 45 s, 3 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def levels(condition: dict[str, Scalar]) -> str:
    """Return a condition as ``factor=level`` pairs."""
    return " ".join(f"{factor}={level}" for factor, level in condition.items())


def print_plan(plan: Plan, done: Sequence[Record], pace: str) -> None:
    """Print what is left of the plan, a line a cell, with the estimate and whose ``pace`` it supposes."""
    recorded = {record.key for record in done if record.outcome is not Outcome.INVALID}
    left = [pair for pair in zip(plan.trials, plan.seconds, strict=True) if pair[0].key not in recorded]
    table = Table("study", "condition", "subject", "blocks", "each about", title="Planned trials")
    cells: dict[tuple[str, str, str], list[float]] = {}
    for spec, seconds in left:
        cells.setdefault((spec.study, levels(spec.condition), spec.subject), []).append(seconds)
    for (study, condition, subject), each in sorted(
        cells.items(), key=lambda cell: [natural(text) for text in cell[0]]
    ):
        table.add_row(study, condition, subject, str(len(each)), duration(each[0]))
    out.print(table)
    total = duration(sum(seconds for _, seconds in left))
    out.print(f"{len(left)} trials, about {total} {pace}; nothing was run.", soft_wrap=True)


def print_skipped(skipped: Sequence[Skipped]) -> None:
    """Print what a plan leaves out, a line a reason."""
    for reason, count in Counter(each.reason for each in skipped).most_common():
        cells = f"{count} cell{'s' if count != 1 else ''}"
        err.print(f"Skipped {cells}, which this machine cannot run: {reason}.", markup=False, soft_wrap=True)
    if skipped:
        err.print(f"What is missing, and how to get it: `{command('doctor')}`", markup=False, soft_wrap=True)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what the doctor found."""
    table = Table("", "looked at", "found", "remedy")
    for finding in findings:
        table.add_row(_STATUS[finding.status], finding.name, finding.found, finding.remedy)
    out.print(table)


def print_recall(file: str, archives: Sequence[Archive], graded: Mapping[str, Mapping[str, dict[str, float]]]) -> None:
    """Print every measure by kind of question, a table a store, and what could not be graded."""
    for store, kinds in graded.items():
        table = Table("", *kinds, title=f"{store}, {file}")
        for measure in kinds["all"]:
            digits = 0 if measure == "questions" else 3
            table.add_row(measure, *(f"{means[measure]:.{digits}f}" for means in kinds.values()))
        out.print(table)
    turns = sum(len(archive.turns) for archive in archives)
    left_out = sum(archive.unanswerable for archive in archives)
    nowhere = sum(archive.unknown_evidence for archive in archives)
    out.print(
        f"{len(archives)} conversations, {turns} turns. Left out: {left_out} questions of which the file names no turn "
        f"that holds the answer; {nowhere} turns it names are not in it.",
        soft_wrap=True,
    )


def print_names(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print names with what each stands for."""
    table = Table("name", "what it is", title=title)
    for name, summary in rows:
        table.add_row(name, summary)
    out.print(table)


def print_outcomes(records: Sequence[Record], folder: Path) -> None:
    """Print how many trials of the run in ``folder`` ended how, and why those that are not ok are not."""
    counts = Counter(record.outcome for record in records)
    out.print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no trials")
    for record in records:
        if record.outcome is not Outcome.OK:
            place = f"{record.spec.study} {levels(record.spec.condition)} {record.spec.subject}"
            out.print(f"  {record.outcome}: {place}, block {record.spec.block}: {record.reason}", markup=False)
            for process, path in record.logs.items():
                out.print(f"    what the {process} printed: {folder / path}", markup=False, soft_wrap=True)


class TrialProgress:
    """A progress bar over a plan, in estimated seconds corrected by what trials really took.

    Where the output is no terminal, it prints a line when a trial ends.
    """

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._total = sum(seconds.values())
        self._done = 0.0
        self._began = time.monotonic()
        self._finished = 0
        self._progress = Progress(
            TextColumn("{task.fields[counted]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.description}"),
            console=err,
            disable=not err.is_terminal,
        )
        self._task = self._progress.add_task("", total=self._total or 1, counted="", left="")

    def __enter__(self) -> TrialProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, spec: TrialSpec) -> None:
        """Show which trial runs."""
        self._show(f"{spec.study}: {levels(spec.condition)} [bold]{spec.subject}[/]")

    def finished(self, record: Record) -> None:
        """Count a trial as done."""
        self._finished += 1
        self._done += self._seconds.get(record.key, 0.0)
        if err.is_terminal:
            self._show("")
            if record.outcome is not Outcome.OK:
                said = f"{record.outcome}: {record.spec.study} {record.spec.subject}: {record.reason}"
                self._progress.print(said, markup=False)
            return
        spec = record.spec
        place = f"{spec.study} {levels(spec.condition)} {spec.subject} block {spec.block}"
        took = f"{record.outside.duration_s:.1f} s"
        err.print(f"[{self._counted()}] {place}: {record.outcome}, {took}", markup=False, soft_wrap=True)

    def _counted(self) -> str:
        return f"{self._finished}/{len(self._seconds)}"

    def _show(self, description: str) -> None:
        passed = time.monotonic() - self._began
        # Estimates come from another machine or another day: their common error shows in what has passed.
        pace = passed / self._done if self._done > 10 else 1.0
        left = f"{duration((self._total - self._done) * pace)} left"
        self._progress.update(
            self._task, completed=self._done, description=description, counted=self._counted(), left=left
        )


def resolve_model(model: str) -> ModelFile:
    """Return the model's checked file, making it first if need be; raises what `systems.models.find.resolve` does.

    In a process of its own: this one must not map llama.cpp's libraries, or no trial could start with them cold.
    """
    return _in_its_own_process(_resolve_shown, model)


def make_model(shape: str, quant: str | None, seed: int, path: Path | None) -> ModelFile:
    """Make a model, showing progress; ``path`` None means the cache."""
    return _in_its_own_process(_make_shown, shape, quant, seed, path)


def _in_its_own_process(function: Callable[P, ModelFile], *args: P.args, **kwargs: P.kwargs) -> ModelFile:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *args, **kwargs).result()
        except KeyboardInterrupt:
            raise Interrupted("Interrupted. No model was left half made; the same command begins anew.") from None
        except BrokenProcessPool as error:
            raise ModelError(
                "The process that read the model died: the file is damaged in a way llama.cpp does not survive, "
                "memory ran out, or llama.cpp was compiled for another processor."
            ) from error


def _resolve_shown(model: str) -> ModelFile:
    with _Bytes("making the model") as progress:
        return find.resolve(model, progress)


def _make_shown(shape: str, quant: str | None, seed: int, path: Path | None) -> ModelFile:
    from systems.models.check import check
    from systems.models.make import make

    chosen = quant or find.default_quant(shape)
    with _Bytes(f"making {shape} in {chosen}") as progress:
        return check(make(shape, chosen, seed, path or find.default_path(shape, chosen, seed), progress))


class _Bytes:
    """A progress bar over bytes written; it appears with the first of them."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )

    def __enter__(self) -> _Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        if not self._progress.task_ids:
            self._progress.add_task(self._title, total=total)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done)
