"""Every way of retrieval by name, each as a store that holds what it is given: for what grades retrieval alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec

from systems.memory import words
from systems.memory.filling import past_turns
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.memory.vectors import VectorIndex
from systems.memory.ways import Retrieval
from systems.models import embeddings

LIKE = "like"


class Variant(msgspec.Struct, frozen=True):
    """What is asked, and how what is found is ranked; the traditional lookups have no ``how``.

    ``vectors`` names an embedding model; ``words`` says whether full text is asked as well.
    """

    published: bool
    how: Retrieval | None = None
    context: bool = True
    vectors: str | None = None
    words: bool = True


VARIANTS: dict[str, Variant] = {
    LIKE: Variant(published=True),
    "like-all": Variant(published=False),
    "bm25": Variant(published=False, how="bm25"),
    "relevance": Variant(published=False, how="relevance"),
    "relevance-keywords": Variant(published=True, how="relevance"),
    "relevance-alone": Variant(published=False, how="relevance", context=False),
    "blended": Variant(published=False, how="blended"),
}
"""The traditional store's lookup by the published keywords; one that scores by all words, likewise without an index;
SQLite's BM25, relevance and relevance blended with age and importance; and relevance of the published keywords alone,
and without what stands around a turn."""

WITH_VECTORS: dict[str, Variant] = {
    f"{way}-{model}": Variant(published=False, how="relevance", vectors=model, words=way == "hybrid")
    for model in embeddings.names()
    for way in ("vectors", "hybrid")
}
"""The nearest by the vectors of an embedding model, alone and fused with relevance. The model is fetched where it is
not here yet, so these are asked only by their names."""

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Finds so many memories for a question, best first."""


SESSION = "graded"
"""The session of every turn in a store that is graded."""


def planted(keywords: Keywords, texts: Iterable[str], said_at: Sequence[float] | None = None) -> list[SavedTurn]:
    """Return a user's ``texts`` as the turns that `filled` saves.

    ``said_at`` are their times in seconds since the epoch; without them they are a second apart.
    """
    turns = list(past_turns(keywords, SESSION, texts))
    if said_at is None:
        return turns
    return [msgspec.structs.replace(turn, created=time) for turn, time in zip(turns, said_at, strict=True)]


def variant_of(name: str) -> Variant:
    """Return the variant of `VARIANTS` or `WITH_VECTORS` that is called ``name``."""
    return VARIANTS[name] if name in VARIANTS else WITH_VECTORS[name]


@asynccontextmanager
async def filled(
    variant: str, path: Path, turns: Sequence[SavedTurn], keywords: Keywords | None = None
) -> AsyncIterator[Lookup]:
    """Save `planted` ``turns`` in a new file at ``path`` and yield the lookup of ``variant``, one of `VARIANTS` or
    `WITH_VECTORS`.

    Who fills many stores gives them one ``keywords``: a dictionary takes longer to load than a store to fill.
    """
    chosen = variant_of(variant)
    keywords = keywords or Keywords(fast=True)
    if chosen.published:
        keywords.load()
    if chosen.how is None:
        like = LikeStore(path)
        like.open()
        like.save(turns)

        async def find(question: str, limit: int) -> list[str]:
            if chosen.published:
                return like.find(SESSION, keywords.extract(question), limit)
            return scored(path, _as_written(question), limit)

        yield find
        return
    if chosen.vectors is not None:
        async with _with_vectors(path, turns, chosen.vectors, words=chosen.words) as lookup:
            yield lookup
        return
    store = FullTextStore(path, how=chosen.how, context=chosen.context)
    await store.open()

    async def search(question: str, limit: int) -> list[str]:
        asked = " ".join(keywords.extract(question)) if chosen.published else question
        return await store.find(SESSION, asked, limit)

    try:
        await store.save(turns)
        yield search
    finally:
        await store.close()


@asynccontextmanager
async def _with_vectors(path: Path, turns: Sequence[SavedTurn], model: str, *, words: bool) -> AsyncIterator[Lookup]:
    """Yield the lookup of a store with vectors, once every turn has its own."""
    from systems.engines.embedding.opening import embedding_engine

    fulltext = FullTextStore(path)
    vectors = VectorIndex(fulltext, embedding_engine(embeddings.resolve(model).path))
    store = HybridStore(fulltext, vectors)
    await store.open()

    async def search(question: str, limit: int) -> list[str]:
        return await (store if words else vectors).find(SESSION, question, limit)

    try:
        await store.save(turns)
        await vectors.caught_up()
        yield search
    finally:
        await store.close()


# Words of scripts that put spaces between them; of the others (Thai, Japanese, Chinese) a LIKE asks the terms.
_SPACED = re.compile(r"[^\W_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")


def _as_written(question: str) -> list[str]:
    """Return the words of ``question`` that mean something, as they stand in it: a LIKE knows no stems."""
    text, asked = question.lower(), words.asked(question)
    spaced = [word for word in _SPACED.findall(text) if not set(asked).isdisjoint(words.cut(word))]
    return list(dict.fromkeys([*spaced, *(term for term in asked if term in text and not _SPACED.search(term))]))


def scored(path: Path, terms: Sequence[str], limit: int) -> list[str]:
    """Return the turns that contain most of ``terms``, the newest first among equals, as a LIKE over the texts finds.

    A connection for every lookup, as the traditional store has it; ``instr`` is a LIKE that folds no case.
    """
    if not terms:
        return []
    score = " + ".join(["(instr(lower(question), ?) > 0)"] * len(terms))
    query = (
        f"SELECT question, {score} AS score FROM memories WHERE session = ? AND score > 0 "  # noqa: S608 - only "?"
        "ORDER BY score DESC, created DESC, id DESC LIMIT ?"
    )
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(query, (*terms, SESSION, limit))]
