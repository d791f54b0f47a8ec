"""Retrieval: planted memories are asked for again; how long does a lookup take, and does it find them?"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from itertools import islice
from pathlib import Path

from experiments.grading import stores
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.conversations import sentences
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn

STORES = ("like", "like-scored", "full-text")
"""The traditional lookup, the same ranked by how many keywords match, and the optimized one."""

_MEMORIES: dict[Preset, tuple[int, ...]] = {
    "smoke": (500,),
    "quick": (4_000,),
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
    wanted = [keywords.extract(text) for text in asked]
    async with _FILLED[role.spec.subject](role.work_dir / "memory.sqlite", turns) as find:
        seconds, recalled = await _timed(find, asked, wanted)
    role.part.series["retrieval_s"] = [round(value, 7) for value in seconds]
    role.part.values.update(queries=len(asked), recalled=recalled)
    role.outside_look()


Find = Callable[[Sequence[str]], Awaitable[list[str]]]
"""Finds memories by their keywords, which are all that a lookup is asked here: best first."""


@asynccontextmanager
async def _like(path: Path, turns: Sequence[SavedTurn]) -> AsyncIterator[Find]:
    store = _saved(path, turns)

    async def find(words: Sequence[str]) -> list[str]:
        return store.find(stores.SESSION, words, _FOUND)

    yield find


@asynccontextmanager
async def _like_scored(path: Path, turns: Sequence[SavedTurn]) -> AsyncIterator[Find]:
    _saved(path, turns)

    async def find(words: Sequence[str]) -> list[str]:
        # As the traditional store does it, a connection for every lookup; only the order is another.
        score = " + ".join(["(instr(keywords, ?) > 0)"] * len(words))
        query = (
            f"SELECT question, {score} AS score FROM memories WHERE session = ? AND score > 0 "  # noqa: S608 - only "?"
            "ORDER BY score DESC, created DESC, id DESC LIMIT ?"
        )
        with closing(sqlite3.connect(path)) as connection:
            return [row[0] for row in connection.execute(query, (*words, stores.SESSION, _FOUND))]

    yield find


@asynccontextmanager
async def _full_text(path: Path, turns: Sequence[SavedTurn]) -> AsyncIterator[Find]:
    async with stores.filled("relevance", path, turns) as lookup:
        yield lambda words: lookup(" ".join(words), _FOUND)


def _saved(path: Path, turns: Sequence[SavedTurn]) -> LikeStore:
    store = LikeStore(path)
    store.open()
    store.save(turns)
    return store


_FILLED: dict[str, Callable[[Path, Sequence[SavedTurn]], AbstractAsyncContextManager[Find]]] = {
    "like": _like,
    "like-scored": _like_scored,
    "full-text": _full_text,
}


async def _timed(find: Find, asked: Sequence[str], wanted: Sequence[Sequence[str]]) -> tuple[list[float], int]:
    """Return the seconds of every lookup, and how many found the memory they were made from."""
    seconds, recalled = [], 0
    for text, words in zip(asked, wanted, strict=True):
        began = time.perf_counter()
        found = await find(words)
        seconds.append(time.perf_counter() - began)
        if text in found:
            recalled += 1
    return seconds, recalled
