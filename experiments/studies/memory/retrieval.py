"""Retrieval: planted memories are asked for again; how long does a lookup take, and does it find them?"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from itertools import islice
from pathlib import Path

from experiments.grading import stores
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.conversations import sentences
from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn

STORES = ("like", "like-scored", "full-text")
"""The traditional lookup, the same ranked by how many keywords match, and the optimized one."""

_MEMORIES: dict[Preset, tuple[int, ...]] = {
    "smoke": (500,),
    "quick": (1_000, 4_000),
    "standard": (1_000, 10_000, 100_000),
    "wide": (1_000, 10_000, 100_000),
    "paper": (1_000, 10_000, 100_000, 1_000_000),
}
_QUERIES = 200
_FOUND = 3


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a store and number of memories."""
    found = [
        Cell(
            part="retrieval",
            condition={"part": "retrieval", "memories": count},
            subject=store,
            # A million memories take minutes to write: three blocks of them, which are indicative.
            blocks=3 if count > 100_000 else None,
            estimate_s=2 + count / 6_000,
            timeout_s=180 + count / 500,
        )
        for count in _MEMORIES[request.preset]
        for store in STORES
    ]
    if request.preset in GRADED:
        found += twins(cell for cell in found if cell.condition["memories"] == 10_000)
    return found


def run(role: Role) -> None:
    """Fill the trial's store, then look up what is known to be there, one query after another."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    count = int(role.spec.condition["memories"] or 0)
    keywords = Keywords(fast=True)  # the very same words
    keywords.load()
    texts = list(islice(sentences(role.spec.seed), count))
    turns = stores.planted(keywords, texts)
    asked = random.Random(role.spec.seed).sample(texts, min(_QUERIES, count))
    async with _FILLED[role.spec.subject](role.work_dir / "memory.sqlite", turns) as lookup:
        seconds, recalled = await _timed(lookup, asked)
    role.part.series["retrieval_s"] = [round(value, 7) for value in seconds]
    role.part.values.update(queries=len(asked), recalled=recalled)
    role.outside_look()


_FILLED: dict[str, Callable[[Path, Sequence[SavedTurn]], AbstractAsyncContextManager[stores.Lookup]]] = {
    "like": partial(stores.filled, stores.LIKE),
    "like-scored": partial(stores.filled, "like-all"),
    "full-text": partial(stores.filled, "relevance"),
}


async def _timed(find: stores.Lookup, asked: Sequence[str]) -> tuple[list[float], int]:
    """Return the seconds of every lookup, and how many found the memory they were made from."""
    seconds, recalled = [], 0
    for text in asked:
        began = time.perf_counter()
        found = await find(text, _FOUND)
        seconds.append(time.perf_counter() - began)
        if text in found:
            recalled += 1
    return seconds, recalled
