"""The endpoints ``/v1/chat/completions`` and ``/v1/models``: OpenAI's chat completions, whole and streamed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from systems.engines.interface import Sampling
from systems.errors import FourgigError
from systems.server.asking import ClientAsk, Generated, answered, placed
from systems.server.chat.asked import ChatAsked, chat_asked, named
from systems.server.chat.reply import ChatStream, whole
from systems.server.chat.request import ChatRequest, decoded
from systems.server.chat.shapes import ListedModel, ModelList
from systems.server.events import Events
from systems.server.failures import failure
from systems.server.receiving import ClientLeft, admitted, body_of, check_model, unless_left
from systems.server.service import ServedSystem, streamed
from systems.server.wire.guard import session_of


class Completions:
    """The endpoint ``POST /v1/chat/completions``."""

    def __init__(self, service: ServedSystem) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        events = Events(send)
        headers = Headers(scope=scope)
        try:
            user = admitted(self._service, headers)
            request = decoded(await body_of(receive, headers))
            check_model(self._service, request.model)
            chat = await self._asked(receive, user, request)
            with self._service.turn(user, chat.asked.command), named(chat):
                if request.stream:
                    first = await unless_left(receive, events.during(self._stream(events, user, request, chat)))
                else:
                    replies = await unless_left(receive, self._whole(user, request, chat))
                    first = replies[0]
                    body = msgspec.json.encode(whole(self._service.model, chat, replies))
                    await Response(body, media_type="application/json")(scope, receive, send)
            self._service.said(session_of(user, chat.asked.person), chat.asked.turn, first.text)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets their error object
            failed = failure(error)
            if events.begun:
                await events.fail(failed)
            else:
                await failed.response()(scope, receive, send)

    async def _asked(self, receive: Receive, user: str, request: ChatRequest) -> ChatAsked:
        if not request.asks_for_form:
            return chat_asked(request)
        # A grammar of many tools takes a while to make, in which others are not to wait, and clients may leave.
        return await unless_left(receive, self._service.forming(user, partial(chat_asked, request)))

    async def _whole(self, user: str, request: ChatRequest, chat: ChatAsked) -> list[Generated]:
        replies = {
            index: await answered(self._service, user, asked) for index, asked in self._each(user, request, chat.asked)
        }
        return [replies[index] for index in sorted(replies)]

    async def _stream(self, events: Events, user: str, request: ChatRequest, chat: ChatAsked) -> Generated:
        wanted = request.stream_options is not None and bool(request.stream_options.include_usage)
        stream = ChatStream(events, self._service.model, chat, usage=wanted)
        for index, asked in self._each(user, request, chat.asked):
            generated = await streamed(partial(answered, self._service, user, asked), partial(stream.say, index))
            await stream.finish(index, generated)
        await stream.end()
        return generated

    def _each(self, user: str, request: ChatRequest, asked: ClientAsk) -> Iterator[tuple[int, ClientAsk]]:
        """Yield what to ask for each of the replies, by its place. The first comes last, and it alone is kept.

        So none of them stands in the history that another is made from. Each has a seed of its own, or what had been
        drawn once could be served for all of them.
        """
        if (count := request.n or 1) == 1:
            yield 0, asked
            return
        asked = placed(self._service, user, asked)
        sampling = asked.sampling or Sampling()
        seed = secrets.randbits(31) if sampling.seed is None else sampling.seed
        for index in (*range(1, count), 0):
            chosen = msgspec.structs.replace(sampling, seed=(seed + index) & (2**63 - 1))
            yield index, msgspec.structs.replace(asked, sampling=chosen, kept=asked.kept and index == 0)


async def models(service: ServedSystem, request: HttpRequest) -> Response:
    """Answer ``GET /v1/models``: the names that are served."""
    try:
        admitted(service, request.headers)
    except FourgigError as error:
        return failure(error).response()
    served = [ListedModel(service.model, service.context_tokens, service.random_weights)]
    if service.embeddings is not None:
        served.append(ListedModel(service.embeddings.name, None))
    return Response(msgspec.json.encode(ModelList(served)), media_type="application/json")
