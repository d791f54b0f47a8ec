"""OpenAI's chat completions, whole and streamed.

A hosted engine generates after the messages as they are. A hosted agent takes the last message as the turn and keeps
the conversation itself, under the name that ``user`` gives; its engine samples as it was set up to.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from systems.engines.interface import Call, FinishReason, Message, Sampling
from systems.errors import BadInput, FourgigError
from systems.interface import Request, TokenSink
from systems.server.direct import EngineHost
from systems.server.failures import Failure, bad_request, failure
from systems.server.guard import session_of
from systems.server.receiving import ClientLeft, admitted, body_of, not_understood, unless_left
from systems.server.service import ServedSystem, streamed
from systems.server.settings import MAX_TEXT
from systems.server.shapes import (
    ANY_MODEL,
    AssistantMessage,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    Dropped,
    ListedModel,
    ModelList,
    PromptDetails,
    Usage,
)

T = TypeVar("T")

_DEFAULT_SESSION = "default"

_chat_request = msgspec.json.Decoder(ChatRequest)


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
    @property
    def finish_reason(self) -> FinishReason: ...
    @property
    def dropped_messages(self) -> int: ...
    @property
    def dropped_notes(self) -> int: ...
    @property
    def seed(self) -> int | None: ...


_Answer = Callable[[TokenSink | None], Coroutine[Any, Any, _Generated]]


class Completions:
    """The endpoint ``POST /v1/chat/completions``."""

    def __init__(self, service: ServedSystem) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        stream: _Stream | None = None
        headers = Headers(scope=scope)
        try:
            user = admitted(self._service, headers)
            asked = self._decoded(await body_of(receive, headers))
            tokens = self._service.bounded(_most(asked))
            answer = self._answer(asked, user, tokens)
            last = asked.messages[-1].text()
            with self._service.turn(user, last):
                if asked.stream:
                    stream = _Stream(send, self._service.model)
                    generated = await unless_left(receive, streamed(answer, stream.say))
                    wanted = asked.stream_options is not None and asked.stream_options.include_usage
                    await stream.end(generated, _usage(generated) if wanted else None)
                else:
                    generated = await unless_left(receive, answer(None))
                    body = msgspec.json.encode(_whole(self._service.model, generated))
                    await Response(body, media_type="application/json")(scope, receive, send)
            self._service.said(session_of(user, asked.user or _DEFAULT_SESSION), last, generated.text)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets their error object
            failed = failure(error)
            if stream is not None and stream.begun:
                await stream.fail(failed)
            else:
                await failed.response()(scope, receive, send)

    def _decoded(self, body: bytes) -> ChatRequest:
        try:
            asked = _chat_request.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise not_understood(error) from error
        if asked.model not in (ANY_MODEL, self._service.model):
            raise bad_request(
                f"This server has no model {asked.model[:100]!r}; it serves {self._service.model!r}.",
                status=404,
                code="model_not_found",
                param="model",
            )
        return asked

    def _answer(self, asked: ChatRequest, user: str, tokens: int | None) -> _Answer:
        host = self._service.host
        if isinstance(host, EngineHost):
            return partial(
                _completed,
                host,
                Call(
                    messages=[
                        Message("system" if each.role == "developer" else each.role, each.text())
                        for each in asked.messages
                    ],
                    max_tokens=tokens,
                    sampling=_sampling(asked, host.samples_as_asked),
                    strict=True,
                    conversation=None if asked.user is None else session_of(user, asked.user),
                ),
            )
        if asked.stop or asked.ignore_eos:
            raise BadInput("An agent ends its replies itself: `stop` and `ignore_eos` are for an engine served alone.")
        turn = asked.messages[-1]
        if turn.role != "user" or not 0 < len(turn.text()) <= MAX_TEXT:
            raise BadInput(f"The last message must be the user's, of at most {MAX_TEXT} characters.")
        request = Request(
            id=uuid.uuid4().hex,
            session=session_of(user, asked.user or _DEFAULT_SESSION),
            text=turn.text(),
            max_tokens=tokens,
            deadline_s=self._service.settings.deadline_s,
        )
        return partial(host.answer, request)


async def models(service: ServedSystem, request: HttpRequest) -> Response:
    """Answer ``GET /v1/models``: the names that are served."""
    try:
        admitted(service, request.headers)
    except FourgigError as error:
        return failure(error).response()
    served = [ListedModel(service.model, service.context_tokens)]
    if service.embeddings is not None:
        served.append(ListedModel(service.embeddings.name, None))
    return Response(msgspec.json.encode(ModelList(served)), media_type="application/json")


class _Stream:
    """The server-sent events of one reply; nothing is sent before there is something to say."""

    def __init__(self, send: Send, model: str) -> None:
        self._send = send
        self._id = _completion_id()
        self._created = int(time.time())
        self._model = model
        self.begun = False

    async def say(self, text: str) -> None:
        """Send a piece of the reply."""
        await self._chunk([ChunkChoice(Delta(role=None if self.begun else "assistant", content=text))])

    async def end(self, generated: _Generated, usage: Usage | None) -> None:
        """Send why the reply ended and what had no room, the usage if it is wanted, and the end."""
        delta = Delta() if self.begun else Delta(role="assistant", content="")
        await self._chunk([ChunkChoice(delta, generated.finish_reason)], dropped=_dropped(generated))
        if usage is not None:
            await self._chunk([], usage)
        await self._event(b"[DONE]", last=True)

    async def fail(self, failed: Failure) -> None:
        """Send an error instead of the rest."""
        await self._event(failed.body, last=True)

    async def _chunk(
        self,
        choices: list[ChunkChoice],
        usage: Usage | None = None,
        dropped: Dropped | msgspec.UnsetType = msgspec.UNSET,
    ) -> None:
        chunk = ChatCompletionChunk(self._id, self._created, self._model, choices, usage, dropped)
        await self._event(msgspec.json.encode(chunk))

    async def _event(self, data: bytes, *, last: bool = False) -> None:
        if not self.begun:
            self.begun = True
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"data: %b\n\n" % data, "more_body": not last})


async def _completed(host: EngineHost, call: Call, on_token: TokenSink | None) -> _Generated:
    return await host.complete(msgspec.structs.replace(call, on_token=on_token))


def _most(asked: ChatRequest) -> int | None:
    """Return how long a reply the client asks for at most; None if it names no bound. Raises `Failure`."""
    for name in ("max_completion_tokens", "max_tokens"):
        said: int | None = getattr(asked, name)
        if said == 0:
            raise bad_request("A reply has at least one token.", param=name)
        if said is not None:
            return None if said < 0 else said
    return None


def _sampling(asked: ChatRequest, heeded: bool) -> Sampling | None:
    """Return what the request says of sampling; None if that is nothing, or is not ``heeded``."""
    said: dict[str, Any] = {
        name: value
        for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "repeat_last_n", "seed")
        if (value := getattr(asked, name)) is not None
    }
    if asked.stop:
        said["stop"] = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop)
    if asked.ignore_eos is not None:
        said["ignore_end"] = asked.ignore_eos
    if not heeded:
        if asked.stop:
            raise BadInput("This engine cannot end a reply at a `stop`.")
        return None
    return Sampling(**said) if said else None


def _whole(model: str, generated: _Generated) -> ChatCompletion:
    choice = Choice(AssistantMessage(generated.text), generated.finish_reason)
    return ChatCompletion(_completion_id(), int(time.time()), model, [choice], _usage(generated), _dropped(generated))


def _dropped(generated: _Generated) -> Dropped:
    return Dropped(generated.dropped_messages, generated.dropped_notes, generated.seed)


def _usage(generated: _Generated) -> Usage:
    return Usage(
        prompt_tokens=generated.prompt_tokens,
        completion_tokens=generated.generated_tokens,
        total_tokens=generated.prompt_tokens + generated.generated_tokens,
        prompt_tokens_details=PromptDetails(generated.reused_tokens),
    )


def _completion_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
