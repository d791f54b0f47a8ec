"""OpenAI's chat completions, whole and streamed: their shapes for requests, replies, usage and errors.

A hosted engine generates after the messages as they are. A hosted agent takes the last message as the turn and keeps
the conversation itself, under the name that ``user`` gives; its engine samples as it was set up to.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from systems.engines.interface import Message, Sampling
from systems.errors import (
    BadInput,
    DeadlineExceeded,
    EngineBusy,
    FourgigError,
    NotAllowed,
    NotKnown,
    PromptTooLong,
    Refused,
    StoreBusy,
    SystemClosed,
)
from systems.interface import Request, TokenSink
from systems.logs import event
from systems.server.direct import EngineHost
from systems.server.guard import session_of
from systems.server.service import Service, streamed
from systems.server.settings import DEFAULT_TOKENS, MAX_BODY_BYTES, MAX_TEXT, MAX_TOKENS

log = logging.getLogger(__name__)

T = TypeVar("T")

ANY_MODEL = "default"
"""The name under which every server serves what it has."""

_DEFAULT_SESSION = "default"


class _Part(msgspec.Struct):
    type: Literal["text"]
    text: str


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part]


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


_Count = Annotated[int, msgspec.Meta(ge=1, le=MAX_TOKENS)]
_Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class ChatRequest(msgspec.Struct):
    """The body of a request, as far as it is understood; ``top_k``, ``min_p``, ``repeat_penalty`` and ``ignore_eos``
    are those of llama.cpp's server. What would change a reply's form and is not offered is refused, not ignored.
    """

    messages: Annotated[list[_Message], msgspec.Meta(min_length=1, max_length=1000)]
    model: str = ANY_MODEL
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_k: int | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0)] | None = None
    stop: _Stop | Annotated[list[_Stop], msgspec.Meta(max_length=16)] | None = None
    ignore_eos: bool | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    tools: None = None
    functions: None = None


class _Details(msgspec.Struct):
    cached_tokens: int


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _Details


class _Failed(Exception):
    """A request that ends with this status and OpenAI's error object."""

    def __init__(
        self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:  # fmt: skip
        self.status = status
        self.body = msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})
        self.headers = {} if retry_after_s is None else {"retry-after": str(math.ceil(retry_after_s))}
        super().__init__(message)

    def response(self) -> Response:
        # What is left of a body that was not read is not waited for.
        headers = {**self.headers, "connection": "close"} if self.status == 413 else self.headers
        return Response(self.body, self.status, headers, "application/json")


class ClientLeft(Exception):
    """The client has gone: there is nobody to answer."""


class _Generated(Protocol):
    """What a reply of an agent and a generation of an engine have in common."""

    @property
    def text(self) -> str: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def reused_tokens(self) -> int: ...
    @property
    def generated_tokens(self) -> int: ...


class Completions:
    """The endpoint ``POST /v1/chat/completions``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decoder = msgspec.json.Decoder(ChatRequest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        stream: _Stream | None = None
        try:
            user = _admitted(self._service, Headers(scope=scope))
            asked = self._decoded(await _body(receive, Headers(scope=scope)))
            tokens = asked.max_completion_tokens or asked.max_tokens or DEFAULT_TOKENS
            answer = self._answer(asked, user, tokens)
            last = _text(asked.messages[-1])
            with self._service.turn(user, last):
                if asked.stream:
                    stream = _Stream(send, self._service.model)
                    generated = await _unless_left(receive, streamed(answer, stream.say))
                    include = asked.stream_options is not None and asked.stream_options.include_usage
                    await stream.end(_reason(generated, tokens), _usage(generated) if include else None)
                else:
                    generated = await _unless_left(receive, answer(None))
                    body = _whole(self._service.model, generated, tokens)
                    await Response(body, media_type="application/json")(scope, receive, send)
            self._service.said(session_of(user, asked.user or _DEFAULT_SESSION), last, generated.text)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets their error object
            failed = _failed(error)
            if stream is not None and stream.begun:
                await stream.fail(failed)
            else:
                await failed.response()(scope, receive, send)

    def _decoded(self, body: bytes) -> ChatRequest:
        try:
            asked = self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason, _, path = str(error).partition(" - at `$.")
            raise _Failed(
                400, "invalid_request_error", f"{reason}.", param=path.rstrip("`") or None, code="invalid_request"
            ) from error
        if asked.model not in (ANY_MODEL, self._service.model):
            raise _Failed(
                404,
                "invalid_request_error",
                f"This server has no model {asked.model[:100]!r}; it serves {self._service.model!r}.",
                code="model_not_found",
                param="model",
            )
        return asked

    def _answer(
        self, asked: ChatRequest, user: str, tokens: int
    ) -> Callable[[TokenSink | None], Coroutine[Any, Any, _Generated]]:
        host = self._service.host
        messages = [
            Message("system" if each.role == "developer" else each.role, _text(each)) for each in asked.messages
        ]
        if isinstance(host, EngineHost):
            return partial(
                _completed,
                host,
                messages,
                max_tokens=tokens,
                sampling=_sampling(asked, host.sampling),
                conversation=None if asked.user is None else session_of(user, asked.user),
            )
        if asked.stop or asked.ignore_eos:
            raise BadInput("An agent ends its replies itself: `stop` and `ignore_eos` are for an engine served alone.")
        turn = messages[-1]
        if turn.role != "user" or not 0 < len(turn.content) <= MAX_TEXT:
            raise BadInput(f"The last message must be the user's, of at most {MAX_TEXT} characters.")
        request = Request(
            id=uuid.uuid4().hex,
            session=session_of(user, asked.user or _DEFAULT_SESSION),
            text=turn.content,
            max_tokens=tokens,
            deadline_s=self._service.settings.deadline_s,
        )
        return partial(host.answer, request)


async def models(service: Service, request: HttpRequest) -> Response:
    """Answer ``GET /v1/models``: the one name that is served."""
    try:
        _admitted(service, request.headers)
    except FourgigError as error:
        return _failed(error).response()
    listed = {"id": service.model, "object": "model", "created": 0, "owned_by": "fourgig"}
    return Response(msgspec.json.encode({"object": "list", "data": [listed]}), media_type="application/json")


def not_found(status: int, detail: str) -> Response:
    """Return the error object for an address or a method that is not there."""
    return _Failed(status, "invalid_request_error", f"{detail}.", code="unknown_url").response()


class _Stream:
    """The server-sent events of one reply; nothing is sent before there is something to say."""

    def __init__(self, send: Send, model: str) -> None:
        self._send = send
        self._head = {"id": _completion_id(), "object": "chat.completion.chunk", "created": _now(), "model": model}
        self.begun = False

    async def say(self, text: str) -> None:
        """Send a piece of the reply."""
        await self._chunk({"content": text} if self.begun else {"role": "assistant", "content": text}, None)

    async def end(self, reason: str, usage: _Usage | None) -> None:
        """Send why the reply ended, the usage if it is wanted, and the end."""
        await self._chunk({} if self.begun else {"role": "assistant", "content": ""}, reason)
        if usage is not None:
            await self._event(msgspec.json.encode({**self._head, "choices": [], "usage": usage}))
        await self._event(b"[DONE]", last=True)

    async def fail(self, failed: _Failed) -> None:
        """Send an error instead of the rest."""
        await self._event(failed.body, last=True)

    async def _chunk(self, delta: dict[str, str], reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        await self._event(msgspec.json.encode({**self._head, "choices": [choice]}))

    async def _event(self, data: bytes, *, last: bool = False) -> None:
        if not self.begun:
            self.begun = True
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"data: %b\n\n" % data, "more_body": not last})


def _admitted(service: Service, headers: Headers) -> str:
    service.guard.check_origin(headers)
    return service.guard.bearer(headers)


async def _body(receive: Receive, headers: Headers) -> bytes:
    """Return the request's body. Raises `_Failed` for one that is too long, `ClientLeft` for one that breaks off."""
    length = headers.get("content-length", "")
    body, more = bytearray(), True
    while more:
        if len(body) > MAX_BODY_BYTES or (length.isdigit() and int(length) > MAX_BODY_BYTES):
            raise _Failed(413, "invalid_request_error", f"A request has at most {MAX_BODY_BYTES} bytes.")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def _unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, which is cancelled if the client leaves. Raises `ClientLeft`."""
    task = asyncio.create_task(work)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await task
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled():
            raise ClientLeft from None
        task.cancel()
        raise
    finally:
        watching.cancel()


async def _completed(host: EngineHost, messages: list[Message], on_token: TokenSink | None, **rest: Any) -> _Generated:
    return await host.complete(messages, on_token=on_token, **rest)


def _sampling(asked: ChatRequest, usual: Sampling | None) -> Sampling | None:
    """Return what the request says of sampling, over what is usual; None if it says nothing or nothing can be said."""
    said: dict[str, Any] = {
        name: value
        for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")
        if (value := getattr(asked, name)) is not None
    }
    if asked.stop:
        said["stop"] = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop)
    if asked.ignore_eos is not None:
        said["ignore_end"] = asked.ignore_eos
    if usual is None:
        if said.get("stop"):
            raise BadInput("This engine cannot end a reply at a `stop`.")
        return None
    return msgspec.structs.replace(usual, **said) if said else None


def _text(message: _Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content)


def _whole(model: str, generated: _Generated, tokens: int) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": generated.text, "refusal": None},
        "logprobs": None,
        "finish_reason": _reason(generated, tokens),
    }
    return msgspec.json.encode(
        {
            "id": _completion_id(),
            "object": "chat.completion",
            "created": _now(),
            "model": model,
            "choices": [choice],
            "usage": _usage(generated),
        }
    )


def _usage(generated: _Generated) -> _Usage:
    return _Usage(
        prompt_tokens=generated.prompt_tokens,
        completion_tokens=generated.generated_tokens,
        total_tokens=generated.prompt_tokens + generated.generated_tokens,
        prompt_tokens_details=_Details(generated.reused_tokens),
    )


def _reason(generated: _Generated, tokens: int) -> str:
    return "length" if generated.generated_tokens >= tokens else "stop"


def _completion_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"


def _now() -> int:
    return int(time.time())


def _failed(error: Exception) -> _Failed:
    """Return ``error`` in OpenAI's words; of a defect, nothing but that there is one."""
    sentence = str(error)
    match error:
        case _Failed():
            return error
        case NotKnown():
            return _Failed(401, "authentication_error", sentence, code="invalid_api_key")
        case NotAllowed():
            return _Failed(403, "permission_error", sentence, code="not_allowed")
        case PromptTooLong():
            return _Failed(400, "invalid_request_error", sentence, code="context_length_exceeded", param="messages")
        case BadInput():
            return _Failed(400, "invalid_request_error", sentence, code="invalid_request")
        case Refused():
            return _Failed(429, "rate_limit_error", sentence, code="busy", retry_after_s=error.retry_after_s)
        case DeadlineExceeded():
            return _Failed(504, "timeout", sentence, code="deadline_exceeded")
        case EngineBusy() | StoreBusy() | SystemClosed():
            return _Failed(503, "server_error", sentence, code="unavailable", retry_after_s=1)
        case FourgigError():
            return _Failed(500, "server_error", sentence, code=type(error).__name__)
    event(log, logging.ERROR, "request failed in a way nobody planned", traced=error)
    return _Failed(500, "server_error", "The server failed to answer this request.", code="internal_error")
