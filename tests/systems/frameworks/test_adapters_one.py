"""Pydantic AI, OpenAI's Agents SDK and Agno where they are installed: what reaches the model, and what is remembered.

Each holds one conversation, in two processes, and every test looks at it. That a stub is sent the same prompts as the
lab says `test_prompts`, of every adapter.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from systems.elsewhere.system import Elsewhere
from systems.engines.interface import Call, Generation
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.errors import PromptTooLong, SystemFailed
from systems.interface import Reply, Request
from systems.server.direct import EngineHost
from tests.systems.frameworks import making
from tests.systems.server.serving import listening_to
from tests.systems.server.speaking import Speaking

INSTRUCTIONS = "You are brief."
QUESTIONS = [f"Question number {number}?" for number in range(4)]
REFUSED, LONG = "Too long?", "x" * 9_990 + " the end?"
NAMES = ["../../outside", "a'; DROP TABLE turns; --", "ü 😀\n", " "]
WINDOW, BOUND = 4, 8


class _Answering(Speaking):
    """Answers every question with itself, and finds that one of them has no room."""

    def generate(self, call: Call) -> Generation:
        self.calls.append(call)
        question = call.messages[-1].content
        if question == REFUSED:
            raise PromptTooLong("The prompt has no room.")
        return Speaking(f"Re: {question}").generate(call)


class Talk:
    """What was said to a system, and by it to the model."""

    def __init__(self, description: Any, folder: Path) -> None:
        self.description, self.folder, self.engine = description, folder, _Answering()
        self.replies: list[Reply] = []
        self.streamed: list[list[str]] = []
        self.failed: SystemFailed | None = None

    async def hold(self) -> None:
        async with listening_to(EngineHost(self.engine, 60)) as address:
            system = await self._started(address)
            for question in QUESTIONS:
                await self._ask(system, question, "ann")
            await asyncio.gather(*(self._ask(system, f"I am {name!r}.", name) for name in NAMES))
            with pytest.raises(SystemFailed) as caught:
                await self._ask(system, REFUSED, "bob")
            self.failed = caught.value
            await self._ask(system, "And this?", "bob")
            await system.close()
            system = await self._started(address)
            for name in NAMES:
                await self._ask(system, LONG, name)
            await system.close()

    async def _started(self, address: str) -> Elsewhere:
        settings = self.description.settings(window=WINDOW, instructions=INSTRUCTIONS)
        engine = OpenAIEngine(OpenAISettings(url=f"http://{address}/v1"))
        system = self.description.build(settings, engine, self.folder)
        await system.start()
        return system

    async def _ask(self, system: Elsewhere, text: str, session: str) -> None:
        pieces: list[str] = []
        asked = Request(id=text, session=session, text=text, max_tokens=BOUND, deadline_s=60.0)
        self.replies.append(await system.answer(asked, pieces.append))
        self.streamed.append(pieces)

    def prompts(self, question: str) -> list[list[tuple[str, str]]]:
        """Return what the model was sent each time that ``question`` was asked."""
        asked = [call.messages for call in self.engine.calls if call.messages[-1].content == question]
        return [[(message.role, message.content) for message in messages] for messages in asked]


@pytest.fixture(
    scope="module",
    params=["pydantic-ai", *(pytest.param(name, marks=pytest.mark.long) for name in ("openai-agents", "agno"))],
)
def talk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    description, _ = making.runnable(request.param)
    folder = tmp_path_factory.mktemp("talk") / "memory"
    folder.mkdir()
    held = Talk(description, folder)
    asyncio.run(held.hold())
    return held


def exchange(question: str) -> list[tuple[str, str]]:
    return [("user", question), ("assistant", f"Re: {question}")]


def test_a_prompt_is_the_instructions_the_window_that_is_set_and_the_question(talk: Talk) -> None:
    system = ("system", INSTRUCTIONS)
    for number, question in enumerate(QUESTIONS):
        before = [message for each in QUESTIONS[max(0, number - WINDOW // 2) : number] for message in exchange(each)]
        assert talk.prompts(question) == [[system, *before, ("user", question)]]
    assert {call.max_tokens for call in talk.engine.calls} == {BOUND}


def test_the_reply_is_the_model_s_and_streams_as_it_comes(talk: Talk) -> None:
    assert [reply.text for reply in talk.replies[: len(QUESTIONS)]] == [f"Re: {question}" for question in QUESTIONS]
    assert ["".join(pieces) for pieces in talk.streamed] == [reply.text for reply in talk.replies]
    assert {reply.prompt_tokens for reply in talk.replies} == {7}


def test_sessions_at_once_are_apart_and_come_back_with_the_next_process(talk: Talk) -> None:
    expected = [[("system", INSTRUCTIONS), *exchange(f"I am {name!r}."), ("user", LONG)] for name in NAMES]
    assert talk.prompts(LONG) == expected
    assert [path.name for path in talk.folder.parent.iterdir()] == ["memory"]


def test_what_the_endpoint_refuses_is_an_error_once_and_the_next_question_is_answered(talk: Talk) -> None:
    assert "has no room" in str(talk.failed)
    assert len(talk.prompts(REFUSED)) == 1
    assert len(talk.prompts("And this?")) == 1
