"""Long texts that are remembered, and long conversations, make no short question unanswerable."""

from __future__ import annotations

from pathlib import Path

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.baseline.agent import Baseline
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Engine
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import PromptTooLong
from systems.interface import Request
from systems.server.hosting import host

LONG = "In {} we kept bees, and the bees gave honey. " * 8


def llama(path: Path) -> Engine:
    return LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=512, threads=1))


def batched(path: Path) -> Engine:
    return BatchedEngine(BatchedSettings(model_path=str(path), context_tokens=512, slots=2, threads=1))


@pytest.mark.parametrize("engine", [llama, batched])
@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_three_long_remembered_texts_leave_room_for_a_short_question(kind, engine, tiny_model, tmp_path):
    async with host(kind(kind.Settings(), engine(tiny_model), tmp_path)) as agent:

        async def ask(number, text, max_tokens=16):
            return await agent.answer(Request(id=str(number), session="s", text=text, max_tokens=max_tokens))

        for number, place in enumerate(("Utrecht", "Porto", "Graz", "Malmo")):
            await ask(number, LONG.format(*[place] * 8))
        for number in range(4):
            assert (await ask(number, f"What did the {number} bees give?")).generated_tokens
        with pytest.raises(PromptTooLong):  # by itself
            await ask(9, "Do the bees sleep? " * 100)
        with pytest.raises(PromptTooLong):  # nor with so long a reply
            await ask(9, "Do the bees sleep?", max_tokens=500)
        assert (await ask(10, "What did the bees give?")).generated_tokens


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_notes_share_their_budget_and_the_reply_names_those_that_were_in_the_prompt(kind, tiny_model, tmp_path):
    long, short = LONG.format(*["Utrecht"] * 8), "The bees of Graz gave nothing."
    asked = []

    class Heard(LlamaEngine):
        def generate(self, call):
            asked.append(call.messages)
            return super().generate(call)

    engine = Heard(LlamaSettings(model_path=str(tiny_model), context_tokens=2048, threads=1))
    async with host(kind(kind.Settings(note_tokens=100, history_length=0), engine, tmp_path)) as agent:
        for number, text in enumerate((long, short)):
            await agent.answer(Request(id=str(number), session="s", text=text, max_tokens=2))
        reply = await agent.answer(Request(id="2", session="s", text="What did the bees give?", max_tokens=2))
        assert set(reply.memories) == {long, short}
        notes = asked[-1][-1].content.partition("earlier notes:")[2].partition("]\n")[0]
        assert engine.count(notes) <= 100
        assert f"\n- {short}" in notes
        assert "In Utrecht we kept bees" in notes
        assert "…" in notes
