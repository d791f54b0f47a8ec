"""Users for Locust, over WebSocket and over HTTP, who hold the load study's conversations.

    locust -f tests/benchmarks/locustfile.py --host http://127.0.0.1:8000 --headless -u 20 -r 5 -t 30s

Locust is for more load than one machine can make (docs/operating.md); what a study measures comes from `fourgig run`.
The server must allow as many connections: `fourgig serve --set server.connections=…`. ``FOURGIG_TOKEN`` is shown if
set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from uuid import uuid4

import msgspec
from locust import FastHttpUser, User, between, task
from websockets.sync.client import connect

from experiments.measuring.workload import Turn
from experiments.workloads.conversations import conversations
from systems.server.messages import Ask, FromServer, ReplyMessage, Token

TOKENS = 24

_from_server = msgspec.json.Decoder(FromServer)
_seeds = count()


def _headers() -> dict[str, str]:
    token = os.environ.get("FOURGIG_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _turns() -> Iterator[Turn]:
    while True:
        yield from conversations(next(_seeds), 1, 20)[0]


class WebSocketUser(User):
    """Asks over one WebSocket; what is reported is the time to the first token and to the whole reply."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Connect."""
        self._session = uuid4().hex
        self._turns = _turns()
        address = self.host.replace("http", "ws", 1).rstrip("/") + "/ws"
        self._open = ExitStack()
        self._connection = self._open.enter_context(connect(address, compression=None, additional_headers=_headers()))

    def on_stop(self) -> None:
        """Leave."""
        self._open.close()

    @task
    def turn(self) -> None:
        """Ask the next question of the conversation."""
        ask = Ask(id=uuid4().hex, session=self._session, text=next(self._turns).text, max_tokens=TOKENS)
        began, first, failed, length = time.perf_counter(), None, None, 0
        try:
            self._connection.send(msgspec.json.encode(ask), text=True)
            while isinstance(message := _from_server.decode(self._connection.recv()), Token):
                first = first or time.perf_counter()
                length += len(message.text)
            if not isinstance(message, ReplyMessage):
                failed = RuntimeError(f"{type(message).__name__}: {message}")
        except Exception as error:  # noqa: BLE001 - Locust counts failures of whatever kind
            failed = error
        self._fire("first token", (first or time.perf_counter()) - began, length, failed)
        self._fire("reply", time.perf_counter() - began, length, failed)

    def _fire(self, name: str, seconds: float, length: int, failed: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type="WS", name=name, response_time=1000 * seconds, response_length=length, exception=failed
        )


class CompletionsUser(FastHttpUser):
    """Asks OpenAI's endpoint for whole replies."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Begin a conversation."""
        self._session = uuid4().hex
        self._turns = _turns()

    @task
    def turn(self) -> None:
        """Ask the next question of the conversation."""
        message = {"role": "user", "content": next(self._turns).text}
        body = {"messages": [message], "max_tokens": TOKENS, "prompt_cache_key": self._session}
        self.client.post("/v1/chat/completions", json=body, headers=_headers())
