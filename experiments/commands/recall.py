"""``fourgig recall``: what long-term memory finds in conversations of your own, and what it does not find, and why."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from experiments.commands import console
from experiments.commands.completing import completing
from experiments.errors import Interrupted
from systems.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from experiments.grading.archives import Answered
    from experiments.workloads.archives.interface import Archive

_SUMMARY = "recall@10"


def recall(
    file: Annotated[
        Path, typer.Argument(help="A file in LoCoMo's or LongMemEval's format, or of turns and questions.")
    ],
    store: Annotated[
        list[str] | None,
        typer.Option(
            help="like, bm25, relevance or another; give it several times. All without vectors if not given.",
            autocompletion=completing(lambda: [*_ways_of_retrieval(), *_ways_with_vectors()]),
        ),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Ask only questions of this kind; give it several times. All if not given.")
    ] = None,
    misses: Annotated[
        int,
        typer.Option(min=0, help="Show so many of the worst questions of each store: asked, looked for, found, right."),
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every question (or those of --misses) as JSON, one a line; no tables.")
    ] = False,
) -> None:
    """Grade what long-term memory finds in recorded conversations: is the evidence among the first 5, 10, 20?"""
    from experiments.commands.misses import print_misses, worst
    from experiments.grading.archives import ask
    from experiments.workloads import archives

    chosen = list(dict.fromkeys(store or _ways_of_retrieval()))
    for name in chosen:
        known = [*_ways_of_retrieval(), *_ways_with_vectors()]
        if name not in known:
            raise UnknownName("way of retrieval", name, known)
    found = archives.read(file)
    if not any(archive.questions for archive in found):
        raise BadInput(f"No question in {file} names a turn that holds its answer. {_left_out(found)}".strip())
    kinds = list(dict.fromkeys(question.kind for archive in found for question in archive.questions))
    for name in kind or ():
        if name not in kinds:
            raise UnknownName("kind of question", name, kinds)
    (console.err if as_json else console.out).say(_contents(found))
    graded: dict[str, list[Answered]] = {}
    try:
        for number, name in enumerate(chosen, 1):
            with console.Bar(f"asking {name}, {number} of {len(chosen)}") as progress:
                graded[name] = ask(found, name, kind or (), progress)
            shown = worst(graded[name], misses)
            if as_json:
                for answered in shown if misses else graded[name]:
                    sys.stdout.buffer.write(msgspec.json.encode(answered) + b"\n")
                sys.stdout.buffer.flush()
                continue
            _print_measures(f"{name}, {file.name}", graded[name])
            if misses:
                print_misses(name, shown, len(graded[name]))
    except KeyboardInterrupt:
        whole = f"{', '.join(graded)} above is all there is" if graded else "no store was asked everything"
        raise Interrupted(f"Interrupted: {whole}. Nothing is kept; the same command begins anew.") from None
    if len(graded) > 1 and not as_json:
        _print_summary(graded)


def _ways_of_retrieval() -> list[str]:
    from experiments.grading.stores import VARIANTS

    return list(VARIANTS)


def _ways_with_vectors() -> list[str]:
    from experiments.grading.stores import WITH_VECTORS

    return list(WITH_VECTORS)


def _contents(archives: Sequence[Archive]) -> str:
    """Return what is in a file and what was left out of it, as sentences."""
    sessions = sum(len({turn.session for turn in archive.turns}) for archive in archives)
    turns = sum(len(archive.turns) for archive in archives)
    questions = sum(len(archive.questions) for archive in archives)
    counts = f"Conversations: {len(archives)}; sessions: {sessions}; turns: {turns}; questions: {questions}."
    undated = sum(archive.undated for archive in archives)
    supposed = f"Sessions without a date, taken for a day apart: {undated}." if undated else ""
    return " ".join(part for part in (counts, _left_out(archives), supposed) if part)


def _left_out(archives: Sequence[Archive]) -> str:
    total: Counter[str] = Counter()
    for archive in archives:
        total.update(archive.left_out)
    return f"Left out: {'; '.join(f'{what}: {many}' for what, many in total.most_common())}." if total else ""


def _print_measures(title: str, answered: Sequence[Answered]) -> None:
    """Print every measure by kind of question, with the interval of all."""
    from experiments.grading.archives import ALL, means

    kinds = means(answered)
    rows = list(kinds[ALL])
    columns = [("", rows)]
    for kind, found in kinds.items():
        columns.append((kind, [_count(found[row]) if row == "questions" else _share(found[row]) for row in rows]))
        if kind == ALL:
            columns.append(("95 %", [_interval(answered, row) for row in rows]))
    _show_columns(columns, title)


def _print_summary(graded: dict[str, list[Answered]]) -> None:
    """Print one measure of every store, by kind of question."""
    from experiments.grading.archives import ALL, means

    kinds = {name: means(answered) for name, answered in graded.items()}
    columns = [("", list(graded))]
    for kind in kinds[next(iter(graded))]:
        columns.append((kind, [_share(found[kind][_SUMMARY]) for found in kinds.values()]))
        if kind == ALL:
            columns.append(("95 %", [_interval(answered, _SUMMARY) for answered in graded.values()]))
    _show_columns(columns, f"{_SUMMARY} of every store")


def _show_columns(columns: Sequence[tuple[str, list[str]]], title: str) -> None:
    """Print a table; where not all columns fit, those that are left in tables of their own, each after the first."""
    shown = [columns[0]]
    for column in columns[1:]:
        if len(shown) > 1 and not console.out.fits(*_turned([*shown, column])):
            console.out.show_table(*_turned(shown), title=title)
            shown = [columns[0]]
        shown.append(column)
    console.out.show_table(*_turned(shown), title=title)


def _turned(columns: Sequence[tuple[str, list[str]]]) -> tuple[list[str], list[tuple[str, ...]]]:
    return [name for name, _ in columns], list(zip(*(cells for _, cells in columns), strict=True))


def _interval(answered: Sequence[Answered], measure: str) -> str:
    from experiments.analysis import clusters

    if measure == "questions":
        return ""
    found = clusters.interval([one.measures[measure] for one in answered], [one.conversation for one in answered])
    return "" if found is None else "–".join(f"{end:.2f}".removeprefix("0") for end in found)


def _count(number: float) -> str:
    return f"{number:.0f}"


def _share(share: float) -> str:
    return f"{share:.3f}".removeprefix("0")
