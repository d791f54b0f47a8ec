"""What an adapter says to the model: under a stub, the lab's own endpoint, one in its process, and after it was killed.

The floor needs no package and is always tried. The others are tried where `fourgig systems install` has made their
interpreters, in the cache that the tests were started with.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from systems.elsewhere.system import Elsewhere
from systems.engines.interface import Call, Generation
from systems.engines.scripted import Scripts
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import SystemClosed, SystemFailed
from systems.frameworks import folders
from systems.interface import Request
from systems.server.alone import engine_served
from systems.server.settings import ServerSettings
from tests.systems.frameworks import making

Prompt = list[tuple[str, str]]

INSTRUCTIONS = "You are brief."
QUESTIONS = [f"Question number {number}?" for number in range(5)]
NOBODY = "http://127.0.0.1:9/v1"
"""The address of an endpoint that is not there."""


class _Recording(SimulatedEngine):
    """Writes down the messages of each call, and answers each alike."""

    def __init__(self) -> None:
        super().__init__(SimulatedSettings())
        self.prompts: list[Prompt] = []

    def generate(self, call: Call) -> Generation:
        self.prompts.append([(message.role, message.content) for message in call.messages])
        return super().generate(call)


def _content(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@contextmanager
def stub() -> Iterator[tuple[str, list[Prompt]]]:
    """Serve the least endpoint that there is; give its base URL and the prompts that it was sent."""
    prompts: list[Prompt] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompts.append([(message["role"], _content(message)) for message in body["messages"]])
            text = f"reply {len(prompts)}"
            usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
            told = {"id": "1", "created": 1, "model": "default"}
            if body.get("stream"):
                deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text}, {}]
                lines = [
                    {
                        **told,
                        "object": "chat.completion.chunk",
                        "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}],
                    }
                    for delta in deltas
                ]
                lines.append({**told, "object": "chat.completion.chunk", "choices": [], "usage": usage})
                said = "".join(f"data: {json.dumps(line)}\n\n" for line in lines) + "data: [DONE]\n\n"
                self._say("text/event-stream", said)
                return
            message = {"role": "assistant", "content": text}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            said = json.dumps({**told, "object": "chat.completion", "choices": choices, "usage": usage})
            self._say("application/json", said)

        def _say(self, kind: str, said: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", prompts
    finally:
        server.shutdown()
        server.server_close()


LONG = pytest.mark.long  # each starts an interpreter that imports a framework, several times
every = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "bare" else [LONG]) for name in folders.built_in()]
)
these = pytest.mark.parametrize("name", ["bare", pytest.param("langgraph", marks=LONG)])
in_process = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=LONG) for name in folders.built_in() if folders.get(name).answers_in_process]
)


@pytest.fixture
def described(name: str) -> Any:
    """Return the description of a system that can be run on this machine, and the interpreter that runs it."""
    return making.runnable(name)


@asynccontextmanager
async def running(described: Any, url: str, folder: Path, **settings: Any) -> AsyncIterator[Elsewhere]:
    description, interpreter = described
    folder.mkdir(exist_ok=True)
    system = Elsewhere(
        {"window": 0, "instructions": INSTRUCTIONS, **settings},
        url,
        folder,
        interpreter=interpreter,
        implementation=description.implementation,
        environment=description.environment,
    )
    await system.start()
    try:
        yield system
    finally:
        await system.close()


def asked(text: str, session: str = "a") -> Request:
    return Request(id=text, session=session, text=text, max_tokens=8, deadline_s=60.0)


@every
async def test_the_prompts_are_the_same_under_a_stub_and_under_the_lab(described: Any, tmp_path: Path) -> None:
    engine = _Recording()
    scripts, settings = Scripts(), ServerSettings(port=0, experiment=True)
    for number, question in enumerate(QUESTIONS):
        scripts.add("a", question, [f"reply {number + 1}"])
    with stub() as (url, prompts):
        async with running(described, url, tmp_path / "stub") as system:
            replies = [(await system.answer(asked(question))).text for question in QUESTIONS]
    async with (
        engine_served(engine, scripts, settings, "default") as address,
        running(described, f"http://{address}/v1", tmp_path / "lab") as system,
    ):
        assert [(await system.answer(asked(question))).text for question in QUESTIONS] == replies

    assert prompts == engine.prompts
    assert [prompt[-1] for prompt in prompts] == [("user", question) for question in QUESTIONS]
    assert all(INSTRUCTIONS in prompt[0][1] for prompt in prompts)


@these
async def test_a_window_bounds_the_messages_before_the_question(described: Any, tmp_path: Path) -> None:
    with stub() as (url, prompts):
        async with running(described, url, tmp_path / "data", window=4) as system:
            for question in QUESTIONS:
                await system.answer(asked(question))
            await system.answer(asked("Another's question?", "b"))
    said = [[pair for pair in prompt if pair[0] != "system"] for prompt in prompts]

    assert [len(each) for each in said] == [1, 3, 5, 5, 5, 1]
    assert said[4] == [
        ("user", QUESTIONS[2]),
        ("assistant", "reply 3"),
        ("user", QUESTIONS[3]),
        ("assistant", "reply 4"),
        ("user", QUESTIONS[4]),
    ]


@these
async def test_what_was_answered_is_still_there_after_a_kill(described: Any, tmp_path: Path) -> None:
    variants = {"": {}, **described[0].varied("storage")}
    for variant, settings in variants.items():
        folder = tmp_path / f"data-{variant}"
        with stub() as (url, prompts):
            with pytest.raises((SystemFailed, SystemClosed)):
                async with running(described, url, folder, **settings) as system:
                    await system.answer(asked(QUESTIONS[0]))
                    assert system._process is not None
                    os.kill(system._process.pid, signal.SIGKILL)
            async with running(described, url, folder, **settings) as system:
                await system.answer(asked(QUESTIONS[1]))
        assert [text for role, text in prompts[1] if role != "system"] == [QUESTIONS[0], "reply 1", QUESTIONS[1]]


@in_process
async def test_in_process_nobody_is_asked_and_all_else_is_the_same(described: Any, tmp_path: Path) -> None:
    replies, streamed = [], []
    async with running(described, NOBODY, tmp_path / "data", window=4, in_process=True) as system:
        for question in QUESTIONS:
            pieces: list[str] = []
            replies.append((await system.answer(asked(question), pieces.append)).text)
            streamed.append("".join(pieces))
    assert streamed == replies
    assert [len(reply.split()) for reply in replies] == [8] * len(QUESTIONS)
    given = [int(reply.split()[0]) for reply in replies]
    assert [count - given[0] for count in given] == [0, 2, 4, 4, 4]

    with stub() as (url, prompts):
        async with running(described, url, tmp_path / "data", window=4) as system:
            await system.answer(asked("And now?"))
    assert [pair for pair in prompts[0] if pair[0] != "system"] == [
        ("user", QUESTIONS[3]),
        ("assistant", replies[3]),
        ("user", QUESTIONS[4]),
        ("assistant", replies[4]),
        ("user", "And now?"),
    ]


@pytest.mark.parametrize("name", ["bare"])
async def test_an_endpoint_that_is_not_there_is_an_error_and_no_reply(described: Any, tmp_path: Path) -> None:
    async with running(described, NOBODY, tmp_path / "data") as system:
        with pytest.raises(SystemFailed):
            await system.answer(asked("Is anybody there?"))
