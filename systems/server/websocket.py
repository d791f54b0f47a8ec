"""The WebSocket: one JSON message a frame, every size and count bounded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

import msgspec
from starlette.datastructures import Headers
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from systems import interface
from systems.errors import BadInput, FourgigError, NotAllowed, Refused
from systems.logs import event, swallowed
from systems.server.direct import EngineHost
from systems.server.failures import failure
from systems.server.messages import (
    VERSION,
    Ask,
    Cancel,
    Error,
    FromClient,
    FromServer,
    Hello,
    InForce,
    Ping,
    Pong,
    Refusal,
    ReplyMessage,
    Settings,
    Stopped,
    Token,
)
from systems.server.service import ServedSystem, streamed
from systems.server.wire.guard import session_of

log = logging.getLogger(__name__)

# Close codes of WebSocket itself: nothing is wrong; a policy was violated; try again later.
_NORMAL, _NOT_ALLOWED, _TRY_AGAIN_LATER = 1000, 1008, 1013

_from_client = msgspec.json.Decoder(FromClient)


class _BadMessage(Exception):
    def __init__(self, message_id: str, sentence: str) -> None:
        self.id = message_id
        super().__init__(sentence)


async def serve(service: ServedSystem, websocket: WebSocket) -> None:
    """Answer one client until it leaves."""
    headers = Headers(scope=websocket.scope)
    try:
        service.guard.check_origin(headers)
        user = None if "authorization" not in headers and not service.guard.open else service.guard.bearer(headers)
    except NotAllowed as error:
        event(log, logging.WARNING, "connection refused", reason=type(error).__name__)
        await websocket.send_denial_response(failure(error).response())
        return
    await websocket.accept()
    try:
        if user is None:  # who has shown no token takes nobody's place
            async with asyncio.timeout(service.settings.patience_s):
                user = _greeted(service, await _frame(websocket))
        if service.connections >= service.settings.connections:
            await _close(websocket, _TRY_AGAIN_LATER, "too many connections; try again later")
            return
        with service.connection():
            await _Connection(service, websocket, user).serve()
    except WebSocketDisconnect:
        pass
    except TimeoutError:
        await _close(websocket, _NOT_ALLOWED, "no token was shown in time")
    except NotAllowed as error:
        await _close(websocket, _NOT_ALLOWED, str(error))


def _greeted(service: ServedSystem, frame: str | bytes) -> str:
    try:
        message = _from_client.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = None
    if not isinstance(message, Hello):
        raise NotAllowed("A token is required: the first message must be a hello with one.")
    return service.guard.user(message.token)


class _Connection:
    def __init__(self, service: ServedSystem, websocket: WebSocket, user: str) -> None:
        self._service = service
        self._websocket = websocket
        self._user = user
        self._asks: dict[str, asyncio.Task[None]] = {}
        # Those of them whose last message is not on its way yet, and what waits for the end of one that is stopped.
        self._stoppable: dict[str, asyncio.Task[None]] = {}
        self._stops: set[asyncio.Task[None]] = set()
        self._kept: dict[str, bool] = {}  # of asks that are stopped and to be kept, whether they are

    async def serve(self) -> None:
        try:
            while (frame := await self._next()) is not None:
                try:
                    await self._take(frame)
                except _BadMessage as error:
                    await self._send(Error(id=error.id, kind="BadMessage", message=str(error)))
        finally:
            # Nobody is left to read these replies.
            for task in (*self._asks.values(), *self._stops):
                task.cancel()

    async def _next(self) -> str | bytes | None:
        """Return the next frame; None if nothing was asked for too long, and the connection was closed for it."""
        while True:
            try:
                async with asyncio.timeout(self._service.settings.idle_s):
                    return await _frame(self._websocket)
            except TimeoutError:
                if not self._asks:
                    await _close(self._websocket, _NORMAL, "nothing was asked for a long time")
                    return None

    async def _take(self, frame: str | bytes) -> None:
        try:
            message = _from_client.decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _BadMessage("", f"Not a message of version {VERSION}: {error}") from error
        message_id = "" if isinstance(message, Hello) else message.id
        if message.version != VERSION:
            raise _BadMessage(message_id, f"This server speaks version {VERSION}.")
        if isinstance(message, Ping):
            await self._send(Pong(id=message.id))
        elif isinstance(message, Cancel):
            self._stop(message.id, keep=message.keep)
        elif not isinstance(message, Hello):
            self._check(message)
            task = asyncio.create_task(self._answer(message))
            self._asks[message.id] = self._stoppable[message.id] = task
            task.add_done_callback(partial(self._forget, message.id))

    def _stop(self, message_id: str, *, keep: bool) -> None:
        """Stop what is being answered, if its last message is not on its way."""
        task = self._stoppable.pop(message_id, None)
        if task is not None:
            if keep:
                self._kept[message_id] = False
            task.cancel()
            # Other messages are read meanwhile: an engine may take a while to stop.
            stop = asyncio.create_task(self._say_stopped(message_id, task))
            self._stops.add(stop)
            stop.add_done_callback(self._stops.discard)

    async def _say_stopped(self, message_id: str, task: asyncio.Task[None]) -> None:
        await asyncio.wait([task])
        kept = self._kept.pop(message_id, False)
        if task.cancelled():
            await self._send(Stopped(id=message_id, kept=kept))

    def _forget(self, message_id: str, _: asyncio.Task[None]) -> None:
        self._asks.pop(message_id, None)
        self._stoppable.pop(message_id, None)

    def _check(self, message: Ask | Settings) -> None:
        settings = self._service.settings
        if message.id in self._asks:
            raise _BadMessage(message.id, "This id is being answered already.")
        if len(self._asks) >= settings.asks_per_connection:
            raise _BadMessage(message.id, f"At most {settings.asks_per_connection} unanswered asks a connection.")
        if isinstance(message, Ask) and not settings.experiment and message.observed:
            raise _BadMessage(message.id, "This server does not accept observations.")

    async def _answer(self, message: Ask | Settings) -> None:
        try:
            last = await (self._turn(message) if isinstance(message, Ask) else self._set(message))
        except Refused as error:
            last = Refusal(id=message.id, reason=error.reason, retry_after_s=error.retry_after_s)
        except FourgigError as error:
            last = Error(id=message.id, kind=type(error).__name__, message=str(error))
        except Exception as error:  # noqa: BLE001 - the last boundary: a defect must not leave the client waiting for ever
            event(log, logging.ERROR, "request failed in a way nobody planned", traced=error, request=message.id)
            last = Error(id=message.id, kind="InternalError", message="The server failed to answer this request.")
        self._stoppable.pop(message.id, None)
        await self._send(last)

    async def _turn(self, ask: Ask) -> FromServer:
        said: list[str] = []

        async def send_token(text: str) -> None:
            said.append(text)
            await self._send(Token(id=ask.id, text=text))

        request = self._request(ask)
        whole: list[interface.Reply] = []

        async def answer(*sink: interface.TokenSink) -> interface.Reply:
            whole.append(await self._service.host.answer(request, *sink))
            return whole[0]

        with self._service.turn(self._user, ask.text):
            try:
                reply = await (streamed(answer, send_token) if ask.stream else answer())
            except asyncio.CancelledError:
                if ask.id in self._kept:
                    if whole:  # the agent had ended, and keeps all of it; the client only had not read so far
                        self._kept[ask.id] = request.kept
                    else:
                        await self._keep(request, "".join(said))
                raise
        self._service.said(request.session, request.text, reply.text)
        return _said(reply)

    async def _keep(self, request: interface.Request, said: str) -> None:
        """Have the agent keep what was ``said`` until somebody stopped it, if it keeps anything."""
        keeper = self._service.host.keeper
        if keeper is None or not said:
            return
        try:
            await keeper.keep(request, said)
        except FourgigError as error:
            swallowed(log, "what was said until it was stopped could not be kept", error)
            return
        self._kept[request.id] = True
        self._service.said(request.session, request.text, said)

    async def _set(self, message: Settings) -> FromServer:
        """Carry out the commands of the same meaning, and say what is in force."""
        if isinstance(self._service.host, EngineHost):
            raise BadInput("An engine served alone has nothing to set.")
        texts = ["/settings"]
        if message.cache_capacity is not None:
            texts.insert(0, f"/cache size {message.cache_capacity}")
        if message.history_length is not None:
            texts.insert(0, f"/history {message.history_length}")
        said = ""
        for text in texts:
            asked = Ask(id=message.id, session=message.session, conversation=message.conversation, text=text)
            with self._service.turn(self._user, text):
                said = (await self._service.host.answer(self._request(asked))).text
        return InForce(id=message.id, said=said)

    def _request(self, ask: Ask) -> interface.Request:
        longest = self._service.settings.deadline_s
        return interface.Request(
            id=ask.id,
            session=session_of(self._user, ask.session),
            conversation=ask.conversation,
            text=ask.text,
            max_tokens=self._service.bounded(ask.max_tokens),
            deadline_s=longest if ask.deadline_s is None else min(ask.deadline_s, longest),
            observed=ask.observed,
        )

    async def _send(self, message: FromServer) -> None:
        try:
            await self._websocket.send_text(msgspec.json.encode(message).decode())
        except (WebSocketDisconnect, WebSocketDisconnected):
            log.debug("A client left before its message was sent")


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    with suppress(WebSocketDisconnect, WebSocketDisconnected):  # it may have left already
        await websocket.close(code, reason)


async def _frame(websocket: WebSocket) -> str | bytes:
    """Return the next frame's content. Raises `WebSocketDisconnect`."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    text: str | None = message.get("text")
    return message["bytes"] if text is None else text


def _said(reply: interface.Reply) -> ReplyMessage:
    return ReplyMessage(
        id=reply.request_id,
        text=reply.text,
        source=reply.source,
        memories=reply.memories,
        prompt_tokens=reply.prompt_tokens,
        reused_tokens=reply.reused_tokens,
        generated_tokens=reply.generated_tokens,
        finish_reason=reply.finish_reason,
        dropped_messages=reply.dropped_messages,
        dropped_notes=reply.dropped_notes,
        first_token_s=reply.first_token_s,
        total_s=reply.total_s,
        tokens_per_s=reply.tokens_per_s,
        degraded=reply.degraded,
        tier=reply.tier,
        fetched_s=reply.fetched_s,
    )
