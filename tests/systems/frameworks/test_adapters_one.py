"""Pydantic AI, OpenAI's Agents SDK and Agno, each in its own interpreter: what reaches the model, and what comes back.

A framework that this machine has not installed is skipped, with the command that installs it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.errors import SystemFailed
from systems.frameworks import describing, environments, folders
from systems.interface import Reply, Request
from systems.server.direct import EngineHost
from tests import conftest
from tests.systems.server.serving import listening_to
from tests.systems.server.speaking import Speaking

QUESTIONS = ("How is Oslo?", "Shall I take a coat?", "Which one?")
REPLIES = ("Oslo is cold.", "Yes, a coat.", "The blue one.")
BOUND = 24


@pytest.fixture(params=["pydantic-ai", "openai-agents", "agno"])
def made(request, monkeypatch) -> Callable:
    """Return a function that makes the system on an address, with a folder for its memory."""
    framework = folders.get(request.param)
    with monkeypatch.context() as patch:
        if conftest._CACHE_OF_THIS_MACHINE is None:
            patch.delenv("FOURGIG_CACHE")
        else:
            patch.setenv("FOURGIG_CACHE", conftest._CACHE_OF_THIS_MACHINE)
        if reason := environments.missing(framework):
            pytest.skip(f"{framework.name}: {reason}")
        description = describing.describe(framework)

    def make(address: str, folder: Path, window: int = 0):
        folder.mkdir(exist_ok=True)
        settings = description.settings(window=window, instructions="Be short.")
        return description.build(settings, OpenAIEngine(OpenAISettings(url=f"http://{address}/v1")), folder)

    return make


class Endpoint(BaseHTTPRequestHandler):
    """Says the replies one after the other, as a stream, or refuses where one is None; and keeps what it was asked."""

    bodies: list[dict]
    replies: list[str | None]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        said = self.replies.pop(0)
        if said is None:
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        message = {"content": said, "role": "assistant"}
        self._say(choices=[{"index": 0, "delta": message, "finish_reason": None}])
        self._say(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self._say(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
        self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, **fields) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "default", **fields}
        self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def stub(*replies: str | None) -> Iterator[tuple[str, list[dict]]]:
    """Yield the address of an endpoint that is none of the lab's, and the bodies of what it is asked."""
    bodies: list[dict] = []
    kind = type("Said", (Endpoint,), {"bodies": bodies, "replies": list(replies)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", bodies
        server.shutdown()


async def say(system, text: str, session: str = "ann") -> tuple[Reply, str]:
    """Return the reply to a question, and what was streamed of it."""
    pieces: list[str] = []
    asked = Request(id=text, session=session, text=text, max_tokens=BOUND, deadline_s=60.0)
    return await system.answer(asked, pieces.append), "".join(pieces)


async def talk(system) -> list[Reply]:
    """Return the replies to the questions, which stream as they are."""
    await system.start()
    try:
        said = [await say(system, question) for question in QUESTIONS]
    finally:
        await system.close()
    assert all(reply.text == streamed for reply, streamed in said)
    return [reply for reply, _ in said]


def prompt(messages: list[dict]) -> list[tuple[str, str]]:
    """Return a request's messages as who said what."""
    plain = []
    for message in messages:
        content = message["content"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        plain.append((message["role"], text))
    return plain


async def test_a_stub_and_the_lab_get_the_same_prompts_with_the_window_that_is_set(made, tmp_path):
    with stub(*REPLIES) as (address, bodies):
        under_the_stub = await talk(made(address, tmp_path / "stub", window=2))
    engine = Speaking(*REPLIES)
    async with listening_to(EngineHost(engine, 60)) as address:
        under_the_lab = await talk(made(address, tmp_path / "lab", window=2))
    assert [reply.text for reply in under_the_stub] == [reply.text for reply in under_the_lab] == list(REPLIES)
    assert [reply.prompt_tokens for reply in under_the_stub] == [7, 7, 7]
    prompts = [[(each.role, each.content) for each in call.messages] for call in engine.calls]
    assert prompts == [prompt(body["messages"]) for body in bodies]
    system, said = ("system", "Be short."), [*zip(QUESTIONS, REPLIES, strict=True)]
    before = [[], [("user", said[0][0]), ("assistant", said[0][1])], [("user", said[1][0]), ("assistant", said[1][1])]]
    asked = [("user", question) for question in QUESTIONS]
    assert prompts == [[system, *earlier, last] for earlier, last in zip(before, asked, strict=True)]
    assert [call.max_tokens for call in engine.calls] == [BOUND] * len(QUESTIONS)


async def test_sessions_at_once_are_apart_and_come_back_with_the_next_process(made, tmp_path):
    engine = Speaking("I see.")
    async with listening_to(EngineHost(engine, 60)) as address:
        system = made(address, tmp_path / "memory")
        await system.start()
        await asyncio.gather(*(say(system, f"I am {name}.", name) for name in ("ann", "bob")))
        await system.close()
        system = made(address, tmp_path / "memory")
        await system.start()
        try:
            for name in ("ann", "bob"):
                await say(system, "Who am I?", name)
                said = [each.content for each in engine.calls[-1].messages]
                assert said == ["Be short.", f"I am {name}.", "I see.", "Who am I?"]
        finally:
            await system.close()


async def test_what_an_endpoint_refuses_is_an_error_once_and_the_next_question_is_answered(made, tmp_path):
    with stub(None, REPLIES[1]) as (address, bodies):
        system = made(address, tmp_path / "memory")
        await system.start()
        try:
            with pytest.raises(SystemFailed):
                await say(system, QUESTIONS[0])
            reply, _ = await say(system, QUESTIONS[1])
        finally:
            await system.close()
    assert reply.text == REPLIES[1]
    assert len(bodies) == 2
