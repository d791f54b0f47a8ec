"""Vectors in graphs: a session finds its own turns, those that are there now, and most often the nearest."""

from contextlib import asynccontextmanager

import numpy as np
import pytest

from systems.engines.interface import Embedded
from systems.memory import keeping
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore
from systems.memory.vectors import VectorIndex
from systems.pooled import nearest
from systems.pooled.nearest import GraphIndex, vectors_of
from tests.systems.memory.test_vectors import Concepts, turn

graphs = pytest.mark.skipif(not nearest.is_installed(), reason="usearch is not installed")

WIDE = 16


class Numbers(Concepts):
    """A text is where its number says; notes how many texts it was given at once."""

    dimensions = WIDE

    def __init__(self):
        super().__init__()
        self.batches = []

    def embed(self, texts, purpose="passage", *, cut=True):
        if purpose == "passage":
            self.batches.append(len(texts))
        numbers = [int(text.split()[-1].rstrip(".?")) for text in texts]
        return Embedded(np.stack([place(number) for number in numbers]), 1)


def place(number):
    row = np.random.default_rng(number).standard_normal(WIDE).astype(np.float32)
    return row / np.linalg.norm(row)


@asynccontextmanager
async def opened(path, engine, **more):
    words = FullTextStore(path)
    store = HybridStore(words, vectors_of(words, engine, **{"graph_from": 50, "batched": True, **more}))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def told(numbers, session="s"):
    return [turn(f"I like the number {number}.", session) for number in numbers]


@graphs
async def test_a_graph_finds_what_is_nearest_among_its_sessions_own(tmp_path):
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        await store.save(told(range(300)))
        await store.save(told(range(1_000, 1_060), "others"))
        await store.vectors.caught_up()
        assert isinstance(store.vectors, GraphIndex)
        all_rows = np.stack([place(number) for number in range(300)])
        found = wanted = 0
        for asked in range(2_000, 2_030):
            nearest_ten = np.argsort(-(all_rows @ place(asked)))[:10]
            texts = await store.vectors.find("s", f"Which is like {asked}?", 10)
            found += len({f"I like the number {number}." for number in nearest_ten} & set(texts))
            wanted += 10
            assert len(texts) == 10
        assert found / wanted > 0.9
        assert store.vectors.graphs == 1
        assert set(await store.vectors.find("others", "Which is like 5?", 60)) == {
            text.question for text in told(range(1_000, 1_060))
        }


@graphs
async def test_a_graph_grows_with_what_is_saved_and_loses_what_is_forgotten(tmp_path):
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        await store.save(told(range(80)))
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 7?", 1) == ["I like the number 7."]
        await store.save(told([500]))
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 500?", 1) == ["I like the number 500."]
        gone = await store.beside(lambda connection: keeping.turns(connection, session="s", containing="number 7."))
        await store.take_out(lambda connection: keeping.delete(connection, turns=gone), len(gone))
        await store.vectors.caught_up()
        assert "I like the number 7." not in await store.vectors.find("s", "Which is like 7?", 30)
        assert len(await store.vectors.find("s", "Which is like 7?", 30)) == 30


@graphs
async def test_when_something_is_forgotten_the_graph_of_its_session_goes_and_no_other(tmp_path, monkeypatch):
    add, added = nearest.Graph.add, []
    monkeypatch.setattr(nearest.Graph, "add", lambda graph, kept: (added.append(len(kept)), add(graph, kept)))
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        for session, first in (("others", 1_000), ("s", 0)):
            await store.save(told(range(first, first + 60), session))
            await store.vectors.caught_up()
            await store.vectors.find(session, "Which is like 7?", 1)
        assert (store.vectors.graphs, added) == (2, [60, 60])
        [gone] = await store.beside(lambda connection: keeping.turns(connection, session="s", containing="number 59."))
        await store.take_out(lambda connection: keeping.delete(connection, turns=[gone]), 1)
        assert await store.vectors.find("others", "Which is like 1007?", 1) == ["I like the number 1007."]
        assert (store.vectors.graphs, added) == (1, [60, 60])
        await store.save(told([900]))  # it gets the number of the turn that is gone
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 900?", 1) == ["I like the number 900."]
        assert (store.vectors.graphs, added) == (2, [60, 60, 60])


@graphs
async def test_a_graph_does_not_take_a_turn_for_the_one_that_had_its_number(tmp_path):
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        await store.save(told(range(60)))
        await store.vectors.caught_up()
        await store.vectors.find("s", "Which is like 7?", 1)
        [gone] = await store.beside(lambda connection: keeping.turns(connection, session="s", containing="number 59."))
        await store.take_out(lambda connection: keeping.delete(connection, turns=[gone]), 1)
        await store.save(told([900]))
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 900?", 1) == ["I like the number 900."]
        assert len(await store.vectors.find("s", "Which is like 59?", 60)) == 60


@graphs
async def test_a_session_with_few_vectors_is_compared_with_all_of_them(tmp_path):
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        await store.save(told(range(20)))
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 7?", 1) == ["I like the number 7."]
        assert store.vectors.graphs == 0


async def test_without_usearch_every_lookup_is_exact(tmp_path, monkeypatch):
    monkeypatch.setattr(nearest, "is_installed", lambda: False)
    async with opened(tmp_path / "m.sqlite", Numbers()) as store:
        assert type(store.vectors) is VectorIndex
        await store.save(told(range(60)))
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "Which is like 7?", 1) == ["I like the number 7."]


@pytest.mark.parametrize("batched", [True, False])
async def test_texts_are_given_to_the_model_together_or_one_by_one(tmp_path, batched):
    engine = Numbers()
    async with opened(tmp_path / "m.sqlite", engine, batched=batched) as store:
        await store.save(told(range(64)))
        await store.vectors.caught_up()
    assert sum(engine.batches) == 64
    assert max(engine.batches) == (32 if batched else 1)
