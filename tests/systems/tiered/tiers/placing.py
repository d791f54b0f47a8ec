"""Tiers in a folder of the test's own, with a real store of turns and a real folder of bundles."""

import random
from contextlib import asynccontextmanager

from systems.memory.fulltext import FullTextStore
from systems.memory.schema import SavedTurn
from systems.tiered.tiers.objects import Folder
from systems.tiered.tiers.tiers import Tiers
from systems.tiered.tiers.turns import StoredTurns
from systems.turn.history import Exchange

_WORDS = (
    "you may open close find lose the old new red small door book key letter house in at by noon night home".split()
)
SENTENCES = [" ".join(random.Random(number).choices(_WORDS, k=9)) + "." for number in range(60)]


def exchanges(name, number=3):
    """What was said in the conversation ``name``: its words are its own."""
    return [Exchange(f"{name} asks {n}?", f"{name} is told {n}. " * 5, n == 1, f"[now] {n}") for n in range(number)]


def chatter(name):
    """A conversation in sentences that others are made of as well, in another order."""
    rng = random.Random(name)
    said = [" ".join(rng.choices(SENTENCES, k=8)) for _ in range(10)]
    return [Exchange(f"{name} {question}", answer) for question, answer in zip(said[::2], said[1::2], strict=True)]


def turns(session, conversation="", number=3):
    return [
        SavedTurn(session=session, conversation=conversation, question=each.question, answer=each.answer)
        for each in exchanges(session + conversation, number)
    ]


class Place:
    """A folder with everything an agent keeps there, opened again and again."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = Folder(folder / "bundles")

    @asynccontextmanager
    async def opened(self, **given):
        store = FullTextStore(self.folder / "memory.sqlite")
        await store.open()

        async def get():
            return store

        given = {"warm_bytes": 1 << 20, "cold_bytes": 64 << 20, "objects": self.objects} | given
        if given["objects"] is not None:
            given["turns"] = StoredTurns(get)
        tiers = Tiers(self.folder, **given)
        await tiers.open()
        tiers.store = store
        try:
            yield tiers
        finally:
            await tiers.close()
            await store.close()

    def bundles(self):
        return sorted(each.name for each in (self.folder / "bundles").glob("*"))


async def cold(tiers, *talks):
    """Let the conversations ``talks`` be cold."""
    for talk in talks:
        await tiers.fetch(talk)
        tiers.leave_hot(talk, exchanges(talk))
    tiers.trim(3)
    await tiers.moved()
    tiers.trim(0)
    for talk in talks:
        assert tiers.where(talk) == "cold"
