"""A conversation with the real model: poor as it is, it says none of the prompt's words, and does not get stuck."""

from collections import Counter
from pathlib import Path

import pytest

from experiments.grading.answers import normalised
from experiments.grading.everyday import grade
from experiments.workloads.everyday import read
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.interface import Request
from systems.memory.filling import fill

SETTLED = Path(__file__).parents[2] / "conversations" / "everyday" / "settled.json"
GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0)
ADVISED = Sampling(seed=1)
"""As the model's file says, which is how it is served; the seed makes it repeatable."""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("sampling", "right"),
    [pytest.param(GREEDY, 5, id="greedy"), pytest.param(ADVISED, 4, id="advised", marks=pytest.mark.long)],
)
async def test_ten_turns_of_real_words_hold_no_echo_of_the_prompt_and_no_reply_over_and_over(
    smollm2, tmp_path, sampling, right
):
    conversation = read(SETTLED)[-1]
    fill(tmp_path, "s", conversation.before)
    engine = LlamaEngine(LlamaSettings(model_path=str(smollm2), threads=2, calibrate=False, sampling=sampling))
    agent = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await agent.start()
    try:
        replies = [
            (await agent.answer(Request(id=turn.say, session="s", text=turn.say, max_tokens=20))).text
            for turn in conversation.turns
        ]
    finally:
        await agent.close()

    grades = grade(conversation, replies)
    assert "echo" not in {each.fault for each in grades}
    assert max(Counter(map(normalised, replies)).values()) <= 2
    assert sum(each.right for each in grades) >= right
