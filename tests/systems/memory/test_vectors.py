"""Vectors beside the turns: when they are made, what they find, and that they leave with their turns."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing

import numpy as np
import pytest

from systems.engines.interface import Embedded, EmbeddingEngine
from systems.errors import EngineError, ModelError
from systems.memory import archive, index
from systems.memory.fulltext import FullTextStore
from systems.memory.fusion import fused
from systems.memory.hybrid import HybridStore
from systems.memory.schema import SavedTurn
from systems.memory.vectors import VectorIndex, packed

# What a text is about, in a number each: the engine of these tests knows no other words.
_ABOUT = {"cat": 0, "feline": 0, "house": 1, "cottage": 1, "train": 2, "railway": 2}


class Concepts(EmbeddingEngine):
    """Words of one concept lie at one place."""

    identity = ""
    dimensions = 4
    most_tokens = 100
    weights_bytes = 0
    latin_only = False

    def __init__(self, identity="concepts"):
        self.identity = identity
        self.read, self.fails, self.loads = [], False, 0

    def load(self):
        self.loads += 1

    def embed(self, texts, purpose="passage", *, cut=True):
        if self.fails:
            raise EngineError("It fails.")
        self.read += texts
        rows = np.full((len(texts), 4), 0.01, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word, place in _ABOUT.items():
                row[place] += word in text
        return Embedded(rows / np.linalg.norm(rows, axis=1, keepdims=True), 1)

    def close(self):
        pass


def turn(text, session="s"):
    return SavedTurn(session=session, question=text, answer="Good.")


@asynccontextmanager
async def opened(path, engine=None, store=None):
    words = store or FullTextStore(path)
    store = HybridStore(words, VectorIndex(words, engine or Concepts()))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


TOLD = [turn("A feline moved in with me."), turn("The railway was late."), turn("We painted the cottage.")]


async def test_what_shares_no_word_is_found_by_what_it_means(tmp_path):
    async with opened(tmp_path / "m.sqlite") as store:
        await store.save(TOLD)
        await store.vectors.caught_up()
        assert await store.find("s", "Do I own a cat?", 1) == ["A feline moved in with me."]
        assert await store.find("s", "Which house?", 1) == ["We painted the cottage."]
        assert await store.find("somebody else", "Do I own a cat?", 3) == []
        assert await store.find("s", "cat", 0) == []


async def test_what_shares_words_stays_first(tmp_path):
    async with opened(tmp_path / "m.sqlite") as store:
        await store.save([*TOLD, turn("My cat is called Miko.")])
        await store.vectors.caught_up()
        assert (await store.find("s", "What is my cat called?", 2))[0] == "My cat is called Miko."


async def test_a_lookup_is_answered_by_full_text_where_the_engine_fails_and_vectors_follow_later(tmp_path):
    engine = Concepts()
    engine.fails = True
    async with opened(tmp_path / "m.sqlite", engine) as store:
        await store.save(TOLD)
        await store.vectors.caught_up()
        assert (await store.find("s", "Was the railway slow?", 3))[0] == "The railway was late."
        engine.fails = False
        await store.save([turn("Hello there.")])
        await store.vectors.caught_up()
        assert (await store.find("s", "cat", 1)) == ["A feline moved in with me."]


async def test_turns_of_before_get_their_vectors_and_no_turn_gets_them_twice(tmp_path):
    path = tmp_path / "m.sqlite"
    plain = FullTextStore(path)
    await plain.open()
    await plain.save(TOLD)
    await plain.close()
    for expected in (len(TOLD), 0):
        engine = Concepts()
        async with opened(path, engine) as store:
            await store.vectors.caught_up()
            assert len(engine.read) == expected
    other = Concepts("another model")
    async with opened(path, other) as store:
        await store.vectors.caught_up()
        assert len(other.read) == len(TOLD)
        assert await store.find("s", "cat", 1) == ["A feline moved in with me."]


async def test_a_number_that_is_given_anew_gets_the_vector_of_its_new_turn(tmp_path):
    path = tmp_path / "m.sqlite"
    async with opened(path) as store:
        await store.save([turn("A railway."), turn("A feline.")])
        await store.vectors.caught_up()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM memories WHERE question = 'A feline.'")
        await store.save([turn("A cottage.")])
        await store.vectors.caught_up()
        assert await store.vectors.find("s", "house", 1) == ["A cottage."]


def test_eight_bits_keep_the_direction():
    row = np.random.default_rng(3).normal(size=384).astype(np.float32)
    row /= np.linalg.norm(row)
    scale, numbers = packed(row)
    assert scale * np.frombuffer(numbers, np.int8) @ row == pytest.approx(1, abs=1e-3)


async def test_a_turn_that_only_asks_gets_no_vector(tmp_path):
    engine = Concepts()
    async with opened(tmp_path / "m.sqlite", engine) as store:
        await store.save([turn("Where is my cat?"), *TOLD])
        await store.vectors.caught_up()
        assert "Where is my cat?" not in engine.read
        assert await store.vectors.find("s", "Where is my feline?", 1) == ["A feline moved in with me."]


async def test_a_model_of_latin_letters_is_asked_nothing_in_others(tmp_path):
    engine = Concepts()
    engine.latin_only = True
    async with opened(tmp_path / "m.sqlite", engine) as store:
        await store.save([turn("我养了一只猫。"), *TOLD, turn("Le chat s'appelle Émile, 猫.")])
        await store.vectors.caught_up()
        assert "我养了一只猫。" not in engine.read
        assert len(engine.read) == 4
        assert await store.find("s", "我养了什么？", 1) == ["我养了一只猫。"]
        assert await store.vectors.find("s", "我的猫", 1) == []


async def test_what_is_said_twice_takes_one_place(tmp_path):
    async with opened(tmp_path / "m.sqlite") as store:
        await store.save([*TOLD, *TOLD])
        await store.vectors.caught_up()
        found = await store.vectors.find("s", "cat", 3)
    assert sorted(found) == sorted(each.question for each in TOLD)


async def test_no_vector_stays_of_a_turn_that_was_taken_out(tmp_path):
    path = tmp_path / "m.sqlite"
    async with opened(path) as store:
        await store.save([turn("A feline.", "a"), turn("A cottage.", "b")])
        await store.vectors.caught_up()
    archive.forget(path, session="a")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM memory_vectors").fetchone() == (1,)
    async with opened(path) as store:
        assert await store.find("a", "cat", 3) == []


async def test_nothing_is_loaded_while_nothing_was_said(tmp_path):
    engine = Concepts()
    async with opened(tmp_path / "m.sqlite", engine) as store:
        await store.vectors.caught_up()
    assert engine.loads == 0


def test_fusion_goes_by_places():
    assert fused(["abc", "cd"], 4, k=10) == ["c", "a", "b", "d"]
    assert fused(["ab", "yz"], 3, k=10) == ["a", "y", "b"]
    assert fused([[], "yz"], 3, k=10) == ["y", "z"]


async def test_making_vectors_lets_go_of_nothing_that_full_text_holds(tmp_path, monkeypatch):
    read_anew = []
    catch_up = index.catch_up
    monkeypatch.setattr(index, "catch_up", lambda connection: (read_anew.append(1), catch_up(connection)))
    async with opened(tmp_path / "m.sqlite") as store:
        await store.find("s", "cat", 1)
        read_anew.clear()
        for number in range(5):
            await store.save([turn(f"The feline is {number} years old.")])
            await store.vectors.caught_up()
            assert f"The feline is {number} years old." in await store.find("s", "feline", 5)
        assert read_anew == []
        with closing(sqlite3.connect(tmp_path / "m.sqlite")) as connection, connection:
            connection.execute("DELETE FROM memories WHERE question LIKE '%4%'")
        assert "The feline is 4 years old." not in await store.find("s", "feline", 5)
        assert read_anew == [1]


async def test_a_lookup_waits_for_no_more_than_the_text_that_is_being_read(tmp_path):
    reading, go_on = threading.Event(), threading.Event()

    class Slow(Concepts):
        def embed(self, texts, purpose="passage", *, cut=True):
            reading.set()
            assert go_on.wait(30)
            return super().embed(texts, purpose, cut=cut)

    engine = Slow()
    long = [turn(f"{number}: {'The cottage stands by the river. ' * 30}") for number in range(8)]
    async with opened(tmp_path / "m.sqlite", engine) as store:
        await store.save(long)
        await asyncio.to_thread(reading.wait, 30)
        asked = asyncio.create_task(store.vectors.find("s", "A house?", 1))
        await asyncio.sleep(0)  # it is waiting in line now
        go_on.set()
        await asked
        await store.vectors.caught_up()
    assert engine.read.index("A house?") == 1
    assert len(engine.read) == 9


async def test_a_model_that_cannot_be_loaded_leaves_full_text(tmp_path):
    class Missing(Concepts):
        def load(self):
            raise ModelError("There is no such model.")

    async with opened(tmp_path / "m.sqlite", Missing()) as store:
        await store.save(TOLD)
        await store.vectors.caught_up()
        assert (await store.find("s", "Was the railway slow?", 1)) == ["The railway was late."]


async def test_a_vector_is_kept_for_the_text_it_was_made_of_and_for_no_other_that_gets_its_number(tmp_path):
    path = tmp_path / "m.sqlite"

    class Overtaken(Concepts):
        def embed(self, texts, purpose="passage", *, cut=True):
            if "A feline." in texts:
                with closing(sqlite3.connect(path)) as connection, connection:
                    connection.execute("UPDATE memories SET question = 'A cottage.' WHERE question = 'A feline.'")
            return super().embed(texts, purpose, cut=cut)

    async with opened(path, Overtaken()) as store:
        await store.save([turn("A feline.")])
        await store.vectors.caught_up()
    with closing(sqlite3.connect(path)) as connection:
        [(about,)] = connection.execute("SELECT vector FROM memory_vectors JOIN memories USING (id)")
    assert np.frombuffer(about, np.int8).argmax() == _ABOUT["cottage"]


async def test_what_retention_takes_out_is_not_among_what_is_held(tmp_path):
    store = FullTextStore(tmp_path / "m.sqlite", most_bytes=1 << 20)
    async with opened(tmp_path / "m.sqlite", store=store) as both:
        told = [turn(f"{number}: a feline. {'Word by word. ' * 300}") for number in range(400)]
        for start in range(0, len(told), 40):
            await both.save(told[start : start + 40])
            await both.vectors.caught_up()
            found = await both.vectors.find("s", "cat", 500)
            with closing(sqlite3.connect(tmp_path / "m.sqlite")) as connection:
                kept = {text for (text,) in connection.execute("SELECT question FROM memories")}
            assert set(found) == kept
        assert len(kept) < len(told)
