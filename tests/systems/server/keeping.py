"""What the page's tests talk to: an engine that says what it is told, and a server that keeps conversations."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from unittest import mock

import msgspec
from starlette.responses import JSONResponse
from starlette.routing import Route

from systems.engines.interface import Call, Generation, Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from systems.interface import AsyncSystem, Counters, KeptConversation, KeptTurn, Reply, Source
from systems.server import listening
from systems.server.application import application
from systems.server.hosting import host
from systems.turn import commands
from tests.systems.server.serving import listening_to

HOLD = "\N{DOUBLE VERTICAL BAR}"
"""Where a `Speaker` waits until it may `go_on`."""


class Speaker(SimulatedEngine):
    """Says what belongs to the question, piece by piece, and waits where a `HOLD` is; None fails."""

    def __init__(self, replies=None, otherwise="Very well."):
        super().__init__(SimulatedSettings(slots=8))
        self.replies = replies or {}
        self.otherwise = otherwise
        self.cut = set()
        self._go_on = threading.Event()
        self.ended = threading.Event()
        self.asked = []

    def go_on(self):
        self._go_on.set()

    def generate(self, call):
        asked = call.messages[-1].content
        self.asked.append(asked)
        known = [words for words in self.replies if words in asked]
        reply = self.replies[known[-1]] if known else self.otherwise
        if reply is None:
            raise EngineError("The engine is out of breath.")
        try:
            for number, part in enumerate(reply.split(HOLD)):
                if number:
                    while not self._go_on.wait(0.01):
                        call.check()
                    self._go_on.clear()
                for start in range(0, len(part), 8):
                    call.check()
                    if call.on_token is not None:
                        call.on_token(part[start : start + 8])
        finally:
            self.ended.set()
        return Generation(
            text=reply.replace(HOLD, ""),
            prompt_tokens=10,
            generated_tokens=10,
            first_token_s=0.01,
            finish_reason="length" if self.cut & set(known) else "stop",
            dropped_messages=2 if self.cut & set(known) else 0,
        )


class Remembering(AsyncSystem):
    """An agent that keeps in memory what was said, and finds all of it again."""

    summary = ""
    Settings = None

    def __init__(self, engine):
        self._engine = engine
        self.kept = []
        self._numbers = 0

    async def start(self):
        await asyncio.to_thread(self._engine.load)

    async def answer(self, request, on_token=None):
        if commands.is_command(request.text):
            return Reply(request_id=request.id, text=f"Done: {request.text}", source=Source.COMMAND)
        abandoned = threading.Event()

        def check():
            if abandoned.is_set():
                raise EngineError("Nobody waits.")

        call = Call(messages=[Message("user", request.text)], on_token=on_token, check=check)
        try:
            generation = await asyncio.to_thread(self._engine.generate, call)
        except asyncio.CancelledError:
            abandoned.set()
            raise
        found = tuple(turn.question for session, turn in self.kept if session == request.session)
        self._numbers += 1
        turn = KeptTurn(
            id=self._numbers,
            conversation=request.conversation or "",
            created=time.time(),
            question=request.text,
            answer=generation.text,
        )
        self.kept.append((request.session, turn))
        return Reply.of(request, generation, called_s=0.0, memories=found)

    def counters(self):
        return Counters()

    async def close(self):
        pass


def _routes(kept):
    def said(found):
        return JSONResponse(msgspec.to_builtins({"data": found}))

    async def conversations(_):
        grouped = {}
        for _, turn in kept:
            grouped.setdefault(turn.conversation, []).append(turn)
        found = [
            KeptConversation(id=name, title=of[0].question, created=of[0].created, latest=of[-1].created, turns=len(of))
            for name, of in grouped.items()
        ]
        return said(sorted(found, key=lambda each: -each.latest))

    async def forget_conversation(request):
        since = int(request.query_params.get("since", 0))
        kept[:] = [
            (who, turn) for who, turn in kept if turn.conversation != request.path_params["id"] or turn.id < since
        ]
        return JSONResponse({"deleted": 1})

    async def turns(request):
        asked = request.query_params
        found = [
            turn
            for _, turn in kept
            if asked.get("conversation", turn.conversation) == turn.conversation
            and asked.get("containing", "").lower() in f"{turn.question}\n{turn.answer}".lower()
            and turn.id < int(asked.get("before", 1 << 60))
        ]
        return said(found[-20:])

    async def correct(request):
        number, question = int(request.path_params["id"]), (await request.json())["question"]
        kept[:] = [
            (who, msgspec.structs.replace(turn, question=question) if turn.id == number else turn) for who, turn in kept
        ]
        return JSONResponse(msgspec.to_builtins(next(turn for _, turn in kept if turn.id == number)))

    async def forget(request):
        kept[:] = [(who, turn) for who, turn in kept if turn.id != int(request.path_params["id"])]
        return JSONResponse({"deleted": 1})

    return [
        Route("/v1/fourgig/conversations", conversations),
        Route("/v1/fourgig/conversations/{id}", forget_conversation, methods=["DELETE"]),
        Route("/v1/fourgig/turns", turns),
        Route("/v1/fourgig/turns/{id}", correct, methods=["PATCH"]),
        Route("/v1/fourgig/turns/{id}", forget, methods=["DELETE"]),
    ]


@asynccontextmanager
async def keeping(engine, **settings):
    """Give the address of a server that keeps conversations; its agent speaks as ``engine`` does."""
    system = Remembering(engine)

    def with_kept(service):
        made = application(service)
        made.app.router.routes[:0] = _routes(system.kept)
        return made

    with mock.patch.object(listening, "application", with_kept):
        async with listening_to(host(system), **settings) as address:
            yield address
