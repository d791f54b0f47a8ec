"""google-adk, crewai and agent-framework, each in its own interpreter: what their models are asked, and what they keep.

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
from systems.interface import AsyncSystem, Reply, Request
from systems.server.direct import EngineHost
from tests.systems.frameworks import making
from tests.systems.server.serving import listening_to
from tests.systems.server.speaking import Speaking

QUESTIONS = ("How is Oslo?", "Shall I take a {coat}?", "Which one?")
REPLIES = ("Oslo is cold.", "Yes, a coat.", "The blue one.")
INSTRUCTIONS = "Be {short}."
PEOPLE = ("bob", "../bob", "Zoë 'or'")
BOUND = 24

ADDED = {"google-adk": '\n\nYou are an agent. Your internal name is "assistant".'}
"""What a framework says of its own accord after the instructions."""


@pytest.fixture(
    params=[*(pytest.param(name, marks=pytest.mark.long) for name in ("google-adk", "crewai")), "agent-framework"]
)
def name(request) -> str:
    return request.param


@pytest.fixture
def made(name) -> Callable[..., AsyncSystem]:
    """Return a function that makes the system on an address, with a folder for its memory."""
    description, _ = making.runnable(name)

    def make(address: str, folder: Path, window: int = 0):
        folder.mkdir(exist_ok=True)
        settings = description.settings(window=window, instructions=INSTRUCTIONS)
        return description.build(settings, OpenAIEngine(OpenAISettings(url=f"http://{address}/v1")), folder)

    return make


class Stub(BaseHTTPRequestHandler):
    """Streams the replies one after the other, refuses where one is None, and keeps what it was asked."""

    bodies: list[dict]
    replies: list[str | None]

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        said = self.replies.pop(0)
        if said is None:
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self._say(choices=[{"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None}])
        self._say(choices=[{"index": 0, "delta": {}, "finish_reason": "length"}])
        self._say(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
        self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, **fields) -> None:
        chunk = {
            "id": f"chatcmpl-{len(self.bodies)}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "default",
            **fields,
        }
        self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def stub(*replies: str | None) -> Iterator[tuple[str, list[dict]]]:
    """Give the address of an endpoint that is none of the lab's, and the bodies of what it is asked."""
    kind = type("ThisStub", (Stub,), {"bodies": [], "replies": list(replies)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", kind.bodies
        server.shutdown()


async def say(system: AsyncSystem, text: str, session: str = "ann") -> Reply:
    """Return the reply to a question; its pieces are what was streamed."""
    pieces: list[str] = []
    asked = Request(id=text, session=session, text=text, max_tokens=BOUND, deadline_s=120.0)
    reply = await system.answer(asked, pieces.append)
    assert reply.text == "".join(pieces)
    return reply


async def until_restarted(make: Callable[..., AsyncSystem], address: str, folder: Path) -> list[Reply]:
    """Return the replies to the questions, the last of them from another process."""
    replies: list[Reply] = []
    for questions in (QUESTIONS[:2], QUESTIONS[2:]):
        system = make(address, folder, window=2)
        await system.start()
        try:
            replies += [await say(system, question) for question in questions]
        finally:
            await system.close()
    return replies


async def at_once(make: Callable[..., AsyncSystem], address: str, folder: Path) -> list[Reply]:
    """Return the replies to the questions; then several people talk at once, and a question is refused."""
    system = make(address, folder, window=2)
    await system.start()
    try:
        replies = [await say(system, question) for question in QUESTIONS]
        await asyncio.gather(*(say(system, f"I am {each}.", each) for each in PEOPLE))
        with pytest.raises(SystemFailed):
            await say(system, "Who am I?", PEOPLE[0])
        await say(system, "Who am I?", PEOPLE[1])
    finally:
        await system.close()
    return replies


async def test_a_stub_and_the_lab_get_the_same_prompts_and_nobody_those_of_another(name, made, tmp_path):
    engine = Speaking(*REPLIES)
    with stub(*REPLIES, *["I see."] * len(PEOPLE), None, "You are.") as (stub_address, bodies):
        async with listening_to(EngineHost(engine, 60)) as lab_address:
            under_the_stub, under_the_lab = await asyncio.gather(
                at_once(made, stub_address, tmp_path / "stub"), until_restarted(made, lab_address, tmp_path / "lab")
            )
    assert [reply.text for reply in under_the_stub] == [reply.text for reply in under_the_lab] == list(REPLIES)
    assert {reply.prompt_tokens for reply in under_the_stub} == {7}
    system = ("system", INSTRUCTIONS + ADDED.get(name, ""))
    (first, second, third), (cold, coat, _) = QUESTIONS, REPLIES
    prompts = [
        [system, ("user", first)],
        [system, ("user", first), ("assistant", cold), ("user", second)],
        [system, ("user", second), ("assistant", coat), ("user", third)],
    ]
    said = [[(each["role"], each["content"]) for each in body["messages"]] for body in bodies]
    assert said[:3] == prompts
    assert [[(each.role, each.content) for each in call.messages] for call in engine.calls] == prompts
    assert {call.max_tokens for call in engine.calls} == {BOUND}
    crowd = said[3:-2]
    assert sorted(prompt[-1][1] for prompt in crowd) == sorted(f"I am {each}." for each in PEOPLE)
    assert {len(prompt) for prompt in crowd} == {2}
    # What was refused was asked once, and the next question was asked in a conversation of its own.
    assert [text for _, text in said[-1][1:]] == [f"I am {PEOPLE[1]}.", "I see.", "Who am I?"]
    assert {path.name for path in tmp_path.iterdir()} == {"stub", "lab"}  # no name led out of the folder
