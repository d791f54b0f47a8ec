"""Every way of retrieval by name, each as a store that holds what it is given: for what grades retrieval alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast, get_args

from systems.memory.filling import past_turns
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.retrieval import Retrieval
from systems.memory.schema import SavedTurn

LIKE = "like"
VARIANTS = (LIKE, *get_args(Retrieval))
"""The traditional store's lookup, and the full-text store's by its ``retrieval`` setting."""

Lookup = Callable[[Sequence[str], int], Awaitable[list[str]]]
"""Finds so many memories by keywords, best first."""


SESSION = "graded"
"""The session of every turn in a store that is graded."""


def planted(keywords: Keywords, texts: Iterable[str]) -> list[SavedTurn]:
    """Return a user's ``texts`` as the turns that `filled` saves."""
    return list(past_turns(keywords, SESSION, texts))


@asynccontextmanager
async def filled(variant: str, path: Path, turns: Sequence[SavedTurn], neighbours: int = 0) -> AsyncIterator[Lookup]:
    """Save `planted` ``turns`` in a new file at ``path`` and yield the lookup of ``variant``, one of `VARIANTS`.

    ``neighbours`` are those of `FullTextStore`; the traditional store has none.
    """
    if variant == LIKE:
        like = LikeStore(path)
        like.open()
        like.save(turns)

        async def find(words: Sequence[str], limit: int) -> list[str]:
            return like.find(SESSION, words, limit)

        yield find
        return
    store = FullTextStore(path, how=cast(Retrieval, variant), neighbours=neighbours)
    await store.open()
    try:
        await store.save(turns)
        yield lambda words, limit: store.find(SESSION, words, limit)
    finally:
        await store.close()
