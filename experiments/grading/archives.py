"""Grades what a store finds in recorded conversations: is the evidence among the first 5, 10, 20?

What counts is what is said, not who holds the row: turns of equal text (but for case, width, spaces and punctuation at
the ends of words; a question mark is a difference) are one. Evidence is found where any of them is; a store that finds
two of them spends two places and gains nothing by the second.
"""

from __future__ import annotations

import asyncio
import tempfile
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from experiments.grading import ranking, stores
from experiments.workloads.archives.interface import Archive, ArchivedQuestion
from systems.errors import BadInput
from systems.memory import words
from systems.memory.keywords import Keywords

PLACES = (5, 10, 20)
"""How many of the first are looked at."""

ALL = "all"
"""Stands for every kind of question."""

_ENDS = ".,;:!…\"'’‘“”()[]。，、；：！（）「」"

Progress = Callable[[int, int], None]


class Found(msgspec.Struct, frozen=True):
    """What a store found, and whether it is evidence."""

    text: str
    evidence: bool


class Evidence(msgspec.Struct, frozen=True):
    """A turn that holds the answer: which of the terms it has, and its place among what was found, from 1."""

    id: str
    text: str
    has: list[str]
    place: int | None


class Answered(msgspec.Struct, frozen=True):
    """A question that was asked of a store: what was looked for, what was found, what was right."""

    store: str
    conversation: str
    question: str
    kind: str
    terms: list[str]
    found: list[Found]
    evidence: list[Evidence]
    measures: dict[str, float]


def grade(archives: Iterable[Archive], store: str) -> dict[str, dict[str, float]]:
    """Return by kind of question, `ALL` first, their number and the mean of each measure.

    ``store`` is one of `stores.VARIANTS` or `stores.WITH_VECTORS`. Raises `BadInput`.
    """
    return means(ask(list(archives), store))


def ask(
    archives: Sequence[Archive], store: str, kinds: Collection[str] = (), progress: Progress | None = None
) -> list[Answered]:
    """Ask ``store`` every question, or those of some ``kinds``, about its own conversation.

    ``store`` is one of `stores.VARIANTS` or `stores.WITH_VECTORS`. ``progress`` is told how much is done of how much.
    Raises `BadInput` where there is no question.
    """
    questions = [[one for one in archive.questions if not kinds or one.kind in kinds] for archive in archives]
    if not any(questions):
        raise BadInput("No question in the file names a turn that holds its answer.")
    asked = [(archive, some) for archive, some in zip(archives, questions, strict=True) if some]
    return asyncio.run(_ask(asked, store, progress))


def means(answered: Iterable[Answered]) -> dict[str, dict[str, float]]:
    """Return by kind of question, `ALL` first, their number and the mean of each measure."""
    rows: dict[str, list[dict[str, float]]] = {ALL: []}
    for one in answered:
        for kind in dict.fromkeys((ALL, one.kind)):
            rows.setdefault(kind, []).append(one.measures)
    return {
        kind: {"questions": len(found), **{name: sum(one[name] for one in found) / len(found) for name in found[0]}}
        for kind, found in sorted(rows.items(), key=lambda row: (row[0] != ALL, row[0]))
        if found
    }


async def _ask(
    asked: Sequence[tuple[Archive, Sequence[ArchivedQuestion]]], store: str, progress: Progress | None
) -> list[Answered]:
    keywords = Keywords(fast=True)
    keywords.load()
    total = sum(len(archive.turns) + len(questions) for archive, questions in asked)
    done = 0
    answered = []
    for archive, questions in asked:
        turns = stores.planted(
            keywords, (turn.text for turn in archive.turns), [turn.said_at for turn in archive.turns]
        )
        texts = {turn.id: turn.text for turn in archive.turns}
        with tempfile.TemporaryDirectory(prefix="fourgig-") as folder:
            async with stores.filled(store, Path(folder) / "memory.sqlite", turns, keywords) as find:
                done += len(archive.turns)
                for question in questions:
                    found = await find(question.text, max(PLACES))
                    terms = _terms(store, keywords, question.text)
                    answered.append(graded(store, archive.name, question, terms, found, texts))
                    done += 1
                    if progress is not None:
                        progress(done, total)
                    await asyncio.sleep(0)  # some stores never wait, and only who waits can be interrupted
    return answered


def _terms(store: str, keywords: Keywords, question: str) -> list[str]:
    return keywords.extract(question) if stores.variant_of(store).published else words.asked(question)


def graded(
    store: str, conversation: str, question: ArchivedQuestion, terms: list[str], found: list[str], texts: dict[str, str]
) -> Answered:
    """Return how good it is that ``store`` ``found`` this, best first; ``texts`` are those of all turns by their id."""
    right = {number: _said(texts[number]) for number in question.evidence}
    places: dict[str, int] = {}
    ranked = [_said(text) for text in found]
    for place, said in enumerate(ranked):
        if places.setdefault(said, place) != place:
            ranked[place] = f"\0{place}"  # said before: nothing is gained by it
    evidence = [
        Evidence(
            id=number,
            text=texts[number],
            has=_having(terms, texts[number]),
            place=places[said] + 1 if said in places else None,
        )
        for number, said in right.items()
    ]
    return Answered(
        store=store,
        conversation=conversation,
        question=question.text,
        kind=question.kind,
        terms=terms,
        found=[Found(text, said in right.values()) for text, said in zip(found, ranked, strict=True)],
        evidence=evidence,
        measures=_measures(ranked, set(right.values())),
    )


def _having(terms: Sequence[str], text: str) -> list[str]:
    """Return those of ``terms`` that ``text`` has, as the index cuts it or, of a published lookup, as it is written."""
    cut, written = set(words.cut(text)), text.lower()
    return [term for term in terms if term in cut or term in written]


def _measures(ranked: Sequence[str], evidence: Collection[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for k in PLACES:
        found[f"recall@{k}"] = ranking.recall(ranked, evidence, k)
        found[f"any@{k}"] = ranking.recall_any(ranked, evidence, k)
        found[f"all@{k}"] = ranking.recall_all(ranked, evidence, k)
        found[f"ndcg@{k}"] = ranking.ndcg(ranked, evidence, k)
    return found


def _said(text: str) -> str:
    """Return what is equal for equal texts. A text of signs alone is itself."""
    folded = unicodedata.normalize("NFKC", text).casefold().split()
    return " ".join(word for each in folded if (word := each.strip(_ENDS))) or text
