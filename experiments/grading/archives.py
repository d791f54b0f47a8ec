"""Grades what a store finds in recorded conversations: is the evidence among the first 5, 10, 20?"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments.grading import ranking
from experiments.workloads.archives.interface import Archive
from systems.errors import BadInput
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn

PLACES = (5, 10, 20)
STORES = ("like", "full-text")
_SESSION = "archive"


def grade(archives: Iterable[Archive], store: str) -> dict[str, dict[str, float]]:
    """Return by kind of question, and for "all", their number and the mean of each measure. Raises `BadInput`."""
    keywords = Keywords()
    keywords.load()
    rows: dict[str, list[dict[str, float]]] = {"all": []}
    for archive in archives:
        for question, found in zip(archive.questions, asyncio.run(_ask(archive, store, keywords)), strict=True):
            measures = _measures(_ids(archive, found), question.evidence)
            for kind in ("all", question.kind):
                rows.setdefault(kind, []).append(measures)
    if not rows["all"]:
        raise BadInput("No question in the file names a turn that holds its answer.")
    return {
        kind: {"questions": len(found), **{name: sum(one[name] for one in found) / len(found) for name in found[0]}}
        for kind, found in sorted(rows.items())
    }


def _measures(ranked: Sequence[str], evidence: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for k in PLACES:
        found[f"recall@{k}"] = ranking.recall(ranked, evidence, k)
        found[f"any@{k}"] = ranking.recall_any(ranked, evidence, k)
        found[f"all@{k}"] = ranking.recall_all(ranked, evidence, k)
        found[f"ndcg@{k}"] = ranking.ndcg(ranked, evidence, k)
    return found


def _ids(archive: Archive, found: Sequence[str]) -> list[str]:
    """Return the ids of the texts found: of equal texts, the newest first."""
    by_text: dict[str, list[str]] = defaultdict(list)
    for turn in archive.turns:
        by_text[turn.text].append(turn.id)
    return [by_text[text].pop() for text in found if by_text[text]]


async def _ask(archive: Archive, store: str, keywords: Keywords) -> list[list[str]]:
    turns = []
    for number, turn in enumerate(archive.turns):
        best, words = keywords.analyse(turn.text)
        turns.append(
            SavedTurn(
                session=_SESSION,
                question=turn.text,
                answer="",
                keywords=tuple(best),
                words=tuple(words),
                created=float(number),
            )
        )
    asked = [keywords.extract(question.text) for question in archive.questions]
    with tempfile.TemporaryDirectory(prefix="fourgig-") as folder:
        path = Path(folder) / "memory.sqlite"
        if store == "like":
            like = LikeStore(path)
            like.open()
            like.save(turns)
            return [like.find(_SESSION, words, max(PLACES)) for words in asked]
        full_text = FullTextStore(path)
        await full_text.open()
        try:
            await full_text.save(turns)
            return [await full_text.find(_SESSION, words, max(PLACES)) for words in asked]
        finally:
            await full_text.close()
