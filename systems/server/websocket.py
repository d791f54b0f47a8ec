"""Serves a hosted system over WebSocket: one JSON message a frame, every size and count bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from systems.errors import FourgigError, Refused
from systems.interface import Reply, Request
from systems.logs import event
from systems.server.hosting import Host
from systems.server.messages import MAX_FRAME_BYTES, VERSION, Answer, Ask, Error, FromServer, Refusal, Token

log = logging.getLogger(__name__)

_ask = msgspec.json.Decoder(Ask)


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to listen and how much to hold. The heartbeat and the connection limit are the published ones.

    ``port`` 0 asks the system for a free one. ``asks_per_connection`` bounds a client's unanswered requests.
    ``origins`` are the web pages whose scripts may connect; a client that is no browser sends none and always may.
    ``experiment`` lets clients script replies and observations.
    """

    address: str = "127.0.0.1"
    port: int = 0
    connections: int = 10
    heartbeat_s: float = 30.0
    asks_per_connection: int = 4
    origins: tuple[str, ...] = ()
    experiment: bool = False


class WebSocketServer:
    """Answers every connection's asks with one hosted system."""

    def __init__(self, host: Host, settings: ServerSettings) -> None:
        self._host = host
        self._settings = settings
        self._open = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen while the context is open; gives the address to connect to, "ws://…"."""
        settings = self._settings
        async with serve(
            self._serve_connection,
            settings.address,
            settings.port,
            compression=None,
            # Otherwise any page a user visits could talk to the agent on their machine, in their name.
            origins=[None, *(Origin(origin) for origin in settings.origins)],
            max_size=MAX_FRAME_BYTES,
            max_queue=4,
            ping_interval=settings.heartbeat_s,
            ping_timeout=settings.heartbeat_s,
        ) as server:
            yield _address(server)

    async def _serve_connection(self, connection: ServerConnection) -> None:
        if self._open >= self._settings.connections:
            await connection.close(1013, "too many connections; try again later")
            return
        self._open += 1
        asks: dict[str, asyncio.Task[None]] = {}
        try:
            async for frame in connection:
                try:
                    ask = self._checked(frame, asks)
                except FourgigError as error:
                    await _send(connection, _failure("", error))
                    continue
                except _BadAsk as error:
                    await _send(connection, Error(id=error.id, kind="BadMessage", message=str(error)))
                    continue
                task = asyncio.create_task(self._answer(connection, ask))
                asks[ask.id] = task
                task.add_done_callback(partial(_forget, asks, ask.id))
        except ConnectionClosed:
            pass
        finally:
            self._open -= 1
            # Nobody is left to read these replies.
            for task in list(asks.values()):
                task.cancel()

    def _checked(self, frame: str | bytes, asks: dict[str, asyncio.Task[None]]) -> Ask:
        try:
            ask = _ask.decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _BadAsk("", f"Not a message of version {VERSION}: {error}") from error
        if ask.version != VERSION:
            raise _BadAsk(ask.id, f"This server speaks version {VERSION}.")
        if ask.id in asks:
            raise _BadAsk(ask.id, "This id is being answered already.")
        if len(asks) >= self._settings.asks_per_connection:
            raise _BadAsk(ask.id, f"At most {self._settings.asks_per_connection} unanswered asks a connection.")
        if not self._settings.experiment and (ask.scripted_reply or ask.observed):
            raise _BadAsk(ask.id, "This server does not accept scripted replies or observations.")
        return ask

    async def _answer(self, connection: ServerConnection, ask: Ask) -> None:
        tokens: asyncio.Queue[str | None] = asyncio.Queue()
        sender = asyncio.create_task(_stream(connection, ask.id, tokens))
        try:
            try:
                last: FromServer = _answered(
                    await self._host.answer(_request(ask), tokens.put_nowait if ask.stream else None)
                )
            except FourgigError as error:
                last = _failure(ask.id, error)
            except Exception as error:  # noqa: BLE001 - the last boundary: a defect must not leave the client waiting for ever
                event(log, logging.ERROR, "request failed in a way nobody planned", traced=error, request=ask.id)
                last = Error(id=ask.id, kind="InternalError", message="The server failed to answer this request.")
            # Tokens handed over during the last step of the answer are still on their way into the loop.
            await asyncio.sleep(0)
            tokens.put_nowait(None)
            await sender
            await _send(connection, last)
        finally:
            sender.cancel()


class _BadAsk(Exception):
    def __init__(self, ask_id: str, sentence: str) -> None:
        self.id = ask_id
        super().__init__(sentence)


def _forget(asks: dict[str, asyncio.Task[None]], ask_id: str, _: asyncio.Task[None]) -> None:
    asks.pop(ask_id, None)


async def _stream(connection: ServerConnection, ask_id: str, tokens: asyncio.Queue[str | None]) -> None:
    while (token := await tokens.get()) is not None:
        await _send(connection, Token(id=ask_id, text=token))


async def _send(connection: ServerConnection, message: FromServer) -> None:
    try:
        await connection.send(msgspec.json.encode(message), text=True)
    except ConnectionClosed:
        log.debug("A client left before its message was sent")


def _request(ask: Ask) -> Request:
    return Request(
        id=ask.id,
        session=ask.session,
        text=ask.text,
        max_tokens=ask.max_tokens,
        deadline_s=ask.deadline_s,
        scripted_reply=ask.scripted_reply,
        observed=ask.observed,
    )


def _answered(reply: Reply) -> Answer:
    return Answer(
        id=reply.request_id,
        text=reply.text,
        source=reply.source,
        memories=reply.memories,
        prompt_tokens=reply.prompt_tokens,
        generated_tokens=reply.generated_tokens,
        first_token_s=reply.first_token_s,
        total_s=reply.total_s,
        degraded=reply.degraded,
    )


def _failure(ask_id: str, error: FourgigError) -> FromServer:
    if isinstance(error, Refused):
        return Refusal(id=ask_id, reason=error.reason, retry_after_s=error.retry_after_s)
    return Error(id=ask_id, kind=type(error).__name__, message=str(error))


def _address(server: Server) -> str:
    name, port = next(iter(server.sockets)).getsockname()[:2]
    return f"ws://{name}:{port}"
