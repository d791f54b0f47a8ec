"""Pydantic AI, OpenAI's Agents SDK and Agno where they are installed: what reaches the model, and what is remembered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from systems.engines.interface import Call, Generation
from systems.errors import PromptTooLong, SystemFailed
from systems.server.direct import EngineHost
from tests.systems.frameworks.test_prompts import INSTRUCTIONS, QUESTIONS, asked, described, running, stub
from tests.systems.server.serving import listening_to
from tests.systems.server.speaking import Speaking

__all__ = ["described"]

pytestmark = pytest.mark.parametrize("name", ["pydantic-ai", "openai-agents", "agno"])

LONG = "x" * 9_990 + " the end?"
HOSTILE = ["../../outside", "a'; DROP TABLE turns; --", "ü 😀\n", " "]


def said(call: Call) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in call.messages]


async def test_the_window_that_is_set_is_the_prompt_s_under_a_stub_and_under_the_lab(
    described: Any, tmp_path: Path
) -> None:
    engine = Speaking(*(f"reply {number + 1}" for number in range(len(QUESTIONS))))
    with stub() as (url, prompts):
        async with running(described, url, tmp_path / "stub", window=2) as system:
            replies = [await system.answer(asked(question)) for question in QUESTIONS]
    streamed: list[str] = []
    async with (
        listening_to(EngineHost(engine, 60)) as address,
        running(described, f"http://{address}/v1", tmp_path / "lab", window=2) as system,
    ):
        lab = [await system.answer(asked(question), streamed.append) for question in QUESTIONS]

    assert [reply.text for reply in replies] == [reply.text for reply in lab]
    assert "".join(streamed) == "".join(reply.text for reply in lab)
    assert (replies[0].prompt_tokens, replies[0].generated_tokens) == (7, 2)
    assert [said(call) for call in engine.calls] == prompts
    assert [call.max_tokens for call in engine.calls] == [8] * len(QUESTIONS)
    assert prompts[0] == [("system", INSTRUCTIONS), ("user", QUESTIONS[0])]
    for number in range(1, len(QUESTIONS)):
        before = [("user", QUESTIONS[number - 1]), ("assistant", f"reply {number}")]
        assert prompts[number] == [("system", INSTRUCTIONS), *before, ("user", QUESTIONS[number])]


async def test_sessions_at_once_are_apart_and_come_back_with_the_next_process(described: Any, tmp_path: Path) -> None:
    engine = Speaking("I see.")
    async with listening_to(EngineHost(engine, 60)) as address:
        url, folder = f"http://{address}/v1", tmp_path / "memory"
        async with running(described, url, folder) as system:
            await asyncio.gather(*(system.answer(asked(f"I am {name!r}.", name)) for name in HOSTILE))
        async with running(described, url, folder) as system:
            for name in HOSTILE:
                await system.answer(asked(LONG, name))
                assert [text for _, text in said(engine.calls[-1])] == [
                    INSTRUCTIONS,
                    f"I am {name!r}.",
                    "I see.",
                    LONG,
                ]
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {folder}


class _Refusing(Speaking):
    """Finds that the first prompt has no room."""

    def generate(self, call: Call) -> Generation:
        generation = super().generate(call)
        if len(self.calls) == 1:
            raise PromptTooLong("The prompt has no room.")
        return generation


async def test_what_an_endpoint_refuses_is_an_error_once_and_the_next_question_is_answered(
    described: Any, tmp_path: Path
) -> None:
    engine = _Refusing("Yes.")
    async with (
        listening_to(EngineHost(engine, 60)) as address,
        running(described, f"http://{address}/v1", tmp_path / "memory") as system,
    ):
        with pytest.raises(SystemFailed):
            await system.answer(asked("Too long?"))
        assert (await system.answer(asked("And this?"))).text == "Yes."
    assert len(engine.calls) == 2
