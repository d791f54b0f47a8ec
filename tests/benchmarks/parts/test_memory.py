"""Long-term memory: looking up what was asked for among ten thousand turns, and saving a turn."""

from __future__ import annotations

import msgspec
import pytest

from experiments.grading.stores import SESSION
from systems.memory.fulltext import FullTextStore
from systems.memory.like import LikeStore
from tests.benchmarks.retrieval import FOUND, queries

QUERIES = 20


@pytest.fixture
def asked(texts, keywords):
    """Return the keywords of known items."""
    return [words for _, words in queries(0, texts, keywords, QUERIES)]


def test_like_finds_twenty_times(benchmark, memory_file, asked):
    store = LikeStore(memory_file)
    benchmark(lambda: [store.find(SESSION, words, FOUND) for words in asked])


@pytest.mark.parametrize("how", ["relevance", "blended"])
def test_full_text_finds_twenty_times(benchmark, run, memory_file, asked, how):
    store = FullTextStore(memory_file, how=how)
    run(store.open())

    async def find() -> None:
        for words in asked:
            await store.find(SESSION, " ".join(words), FOUND)

    benchmark(lambda: run(find()))
    run(store.close())


@pytest.mark.parametrize("turns", [1, 64])
def test_turns_are_saved_in_one_transaction(benchmark, run, remembered, tmp_path, turns):
    store = FullTextStore(tmp_path / "memory.sqlite")
    run(store.open())
    saved = [msgspec.structs.replace(turn, session="saved") for turn in remembered[:turns]]
    benchmark(lambda: run(store.save(saved)))
    run(store.close())
