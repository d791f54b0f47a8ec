"""Nothing of one user's is served to another, from any tier or cache: a generated test of many tries.

Names are chosen to be taken for each other. Every text carries the mark of whose it is, the engine's replies that of
whom it was asked by, and all questions mean the same to the encoder, so that a cache that may serve one, does.
"""

import asyncio
import os
import random
import re

import msgspec
import numpy as np
import pytest

from systems.engines.embedding import opening
from systems.engines.interface import Embedded, EmbeddingEngine
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request, talk
from systems.tiered.agent import Tiered
from systems.tiered.semantic import cache
from systems.tiered.semantic.thresholds import Threshold
from systems.tiered.settings import TieredSettings

TRIES = int(os.environ.get("FOURGIG_TRIES", "10000"))
"""How many turns, where it may take long."""

SESSIONS = [
    *("anna", "Anna", "anna ", "ann", "anná", "anna\u0301", "a" * 3000, "a" * 2999, "", "0", "%", "_"),
    *("\x1f", "\x1fanna", "\x1f4\x1fanna\x1fone", "\x1f4\x1fanna\x1f", "4\x1fanna", "anna\x1fone", "anna\0", "里斯本"),
    *(f"user {number}" for number in range(12)),
]
CONVERSATIONS = [None, "", "one", "One", "one ", "\x1fone", "on", "e" * 500]
QUESTIONS = [
    "How far is Lisbon from Porto?",
    "What is the distance from Lisbon to Porto?",
    "How do bees make honey in winter?",
    "Which planet is the largest of all?",
]
MARK = re.compile(r"mark(\d+)x")


class Everything(EmbeddingEngine):
    """To it all texts mean the same."""

    identity = "everything"
    dimensions = 2
    most_tokens = 100
    weights_bytes = 0
    latin_only = False

    def load(self):
        pass

    def embed(self, texts, purpose="passage", *, cut=True):
        return Embedded(np.tile(np.array([1.0, 0.0], np.float32), (len(texts), 1)), 1)

    def close(self):
        pass


class Marking(SimulatedEngine):
    """Says whose conversation it was asked in, and notes every mark that it was sent there."""

    def __init__(self, owners):
        super().__init__(SimulatedSettings(slots=4))
        self.owners = owners
        self.leaks = []

    def generate(self, call):
        owner = self.owners[call.conversation]
        seen = {int(mark) for message in call.messages for mark in MARK.findall(message.content)}
        if seen - {owner}:
            self.leaks.append((call.conversation, seen))
        made = super().generate(call)
        return msgspec.structs.replace(made, text=f"mark{owner}x.", finish_reason="stop")  # whole, so it may be kept


@pytest.mark.parametrize("tries", [600, pytest.param(TRIES, marks=pytest.mark.long)])
async def test_nothing_of_one_users_is_served_to_another(tmp_path, monkeypatch, tries):
    monkeypatch.setattr(opening, "embedding_engine", lambda *_: Everything())
    monkeypatch.setattr(cache, "threshold_of", lambda _: Threshold(similarity=0.5, least_shared=0.0))
    owners = {talk(session, name): place for place, session in enumerate(SESSIONS) for name in CONVERSATIONS}
    assert len(owners) == len(SESSIONS) * (len(CONVERSATIONS) - 1), "no two conversations have one name"
    engine = Marking(owners)
    chosen = {"sessions": 6, "warm_bytes": 6000, "semantic_model": "any.gguf", "queue_limit": 1000}
    rng = random.Random(7)
    sources, tiers, served, similar = set(), set(), 0, 0
    agent = Tiered(TieredSettings(**chosen), engine, tmp_path)
    await agent.start()

    async def turn():
        nonlocal served
        owner = rng.randrange(len(SESSIONS))
        session = SESSIONS[owner]
        told = rng.random() < 0.02
        text = f"Remember that my number is mark{owner}x, please." if told else rng.choice(QUESTIONS)
        request = Request(
            id=str(served), session=session, conversation=rng.choice(CONVERSATIONS), text=text, max_tokens=2
        )
        reply = await agent.answer(request)
        marks = {int(mark) for said in (reply.text, *reply.memories) for mark in MARK.findall(said)}
        assert marks <= {owner}, (session, reply)
        assert MARK.findall(reply.text) == [str(owner)]
        sources.add(str(reply.source))
        tiers.add(reply.tier)
        served += 1

    async def forget():
        session = rng.choice(SESSIONS)
        found = await agent.conversations(session)
        if found:
            await agent.forget(session, conversation=rng.choice(found).id)

    period = tries // 5
    while served < tries:
        await asyncio.gather(*(turn() for _ in range(40)))
        for session in rng.sample(SESSIONS, 2):
            await agent._lower.freeze(session)
        if served % period < 40:
            await forget()
        if served % period < 40:
            similar += agent.counters().similar_hits
            await agent.close()
            # What used notes is not served by meaning: with and without them in turn.
            agent = Tiered(TieredSettings(**chosen, memories=3 * (served // period % 2)), engine, tmp_path)
            await agent.start()
    similar += agent.counters().similar_hits
    await agent.close()
    assert engine.leaks == []
    # It could have failed: replies came from the caches, and conversations from every tier.
    assert {"model", "cache"} <= sources
    assert {"hot", "warm", "cold", "frozen"} <= tiers
    assert similar > 0
