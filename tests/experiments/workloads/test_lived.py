"""A memory file made beforehand is one that each built-in system's store opens and finds things in."""

from itertools import islice

from experiments.workloads import lived
from experiments.workloads.conversations import sentences
from systems.memory.fulltext import FullTextStore
from systems.memory.like import LikeStore


async def test_every_built_in_store_finds_what_was_said_in_an_earlier_life(tmp_path):
    path, known = tmp_path / "memory.sqlite", list(islice(sentences(5), 40))
    lived.make("asynchronous", tmp_path, "anna", 40, seed=5)

    like = LikeStore(path)
    like.open()
    full_text = FullTextStore(path)
    await full_text.open()
    try:
        words = next(text.lower().split()[:8] for text in known if text.isascii())
        assert set(like.find("anna", words, 3)) <= set(known)
        assert like.find("anna", words, 3)
        assert await full_text.find("anna", " ".join(words), 3)
        assert await full_text.find("bert", " ".join(words), 3) == []
    finally:
        await full_text.close()
