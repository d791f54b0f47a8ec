"""Grades what a store finds in recorded conversations: is the evidence among the first 5, 10, 20?"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments.grading import ranking, stores
from experiments.workloads.archives.interface import Archive
from systems.errors import BadInput
from systems.memory.keywords import Keywords

PLACES = (5, 10, 20)


def grade(archives: Iterable[Archive], store: str) -> dict[str, dict[str, float]]:
    """Return by kind of question, and for "all", their number and the mean of each measure.

    ``store`` is one of `stores.VARIANTS`. Raises `BadInput`.
    """
    keywords = Keywords(fast=True)
    keywords.load()
    rows: dict[str, list[dict[str, float]]] = {"all": []}
    for archive in archives:
        answered = asyncio.run(_ask(archive, store, keywords))
        for question, found in zip(archive.questions, answered, strict=True):
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
    turns = stores.planted(keywords, (turn.text for turn in archive.turns))
    with tempfile.TemporaryDirectory(prefix="fourgig-") as folder:
        async with stores.filled(store, Path(folder) / "memory.sqlite", turns) as find:
            return [await find(question.text, max(PLACES)) for question in archive.questions]
