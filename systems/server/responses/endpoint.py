"""OpenAI's responses: ``POST /v1/responses``, whole and streamed, and the responses that are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Annotated, Literal

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from systems.errors import NotKept
from systems.server.asking import ClientAsk, Generated, answered, placed
from systems.server.chat.asked import named
from systems.server.conversation import person_of
from systems.server.events import Events
from systems.server.failures import Failure, bad_request, failure
from systems.server.receiving import ClientLeft, admitted, body_of, check_model, unless_left
from systems.server.responses.asked import ResponseAsked, in_these_words, response_asked
from systems.server.responses.events import AnyEvent
from systems.server.responses.items import items_of, not_there
from systems.server.responses.making import Making
from systems.server.responses.request import ResponseRequest, decoded
from systems.server.responses.shapes import DeletedResponse, Item, ItemList
from systems.server.responses.store import KeptResponse
from systems.server.service import ServedSystem, streamed
from systems.server.wire.guard import session_of

PATH = "/v1/responses"

_FOR_A_WHILE = "those with `store` false are not kept, others in memory for a while"


def routes(service: ServedSystem) -> list[Route]:
    """Return the addresses, and what answers at each."""
    return [
        Route(PATH, Responses(service), methods=["POST"]),
        Route(f"{PATH}/{{name}}", partial(kept_response, service), methods=["GET", "DELETE", "POST"]),
        Route(f"{PATH}/{{name}}/input_items", partial(input_items, service), methods=["GET"]),
    ]


class Responses:
    """The endpoint ``POST /v1/responses``."""

    def __init__(self, service: ServedSystem) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        events = Events(send)
        headers = Headers(scope=scope)
        making: Making | None = None
        try:
            user = admitted(self._service, headers)
            request = decoded(await body_of(receive, headers))
            check_model(self._service, request.model)
            person = session_of(user, person_of(request.safety_identifier, request.user))
            forgotten = self._service.responses.forgotten[person]
            response = await self._asked(receive, user, person, request)
            asked = placed(self._service, user, response.chat.asked)
            making = Making(response)
            with self._service.turn(user, asked.command), named(response.chat):
                if request.stream:
                    work = events.during(self._stream(events, making, user, response, asked, forgotten))
                    reply = await unless_left(receive, work)
                else:
                    reply = await unless_left(receive, answered(self._service, user, asked))
                    for _ in (*making.say(reply.text), *making.end(reply)):
                        pass
                    self._keep(user, response, asked, reply, forgotten)
                    body = msgspec.json.encode(making.response)
                    await Response(body, media_type="application/json")(scope, receive, send)
            self._service.said(session_of(user, asked.person), asked.turn, reply.text)
        except ClientLeft:
            return
        except Exception as raised:  # noqa: BLE001 - the last boundary: whatever happens, the client gets their error object
            failed = in_these_words(failure(raised))
            if making is not None and events.begun:
                await _send(events, making.fail(failed), last=True)
            else:
                await failed.response()(scope, receive, send)

    async def _asked(self, receive: Receive, user: str, session: str, request: ResponseRequest) -> ResponseAsked:
        kept = self._service.responses
        before: list[KeptResponse] = []
        if (name := request.previous_response_id) is not None:
            chain = kept.chain(user, name)
            if chain is None or chain[-1].session != session:
                raise bad_request(
                    f"Previous response with id {name[:100]!r} not found, or one before it: {_FOR_A_WHILE}.",
                    code="previous_response_not_found",
                    param="previous_response_id",
                )
            before = chain
        said = items_of(request.input, partial(kept.item, user, session))
        asking = partial(response_asked, request, self._service.model, before, said)
        if not request.asks_for_form:
            return asking()
        # A grammar of many tools takes a while to make, in which others are not to wait, and clients may leave.
        return await unless_left(receive, self._service.forming(user, asking))

    async def _stream(
        self,
        events: Events,
        making: Making,
        user: str,
        response: ResponseAsked,
        asked: ClientAsk,
        forgotten: int,
    ) -> Generated:
        async def say(text: str) -> None:
            await _send(events, making.say(text))

        reply = await streamed(partial(answered, self._service, user, asked), say)
        await _send(events, making.end(reply))
        # Before its last event: a client that has this may go on from the response at once.
        self._keep(user, response, asked, reply, forgotten)
        await _send(events, [making.last()], last=True)
        return reply

    def _keep(self, user: str, response: ResponseAsked, asked: ClientAsk, reply: Generated, forgotten: int) -> None:
        session = session_of(user, asked.person)
        # A slow client reads for long: what was forgotten meanwhile must not be kept by its response.
        if response.response.store and forgotten == self._service.responses.forgotten[session]:
            made = KeptResponse(
                response=response.response,
                said=response.said,
                session=session,
                conversation=asked.conversation or "",
                turn=(asked.turn, reply.text) if asked.kept else None,
            )
            self._service.responses.keep(user, made)


class Listing(msgspec.Struct):
    """Which of the items from which a response was made are wanted."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


async def kept_response(service: ServedSystem, request: HttpRequest) -> Response:
    """Answer ``GET``, ``DELETE`` and ``POST /v1/responses/{name}``: what is kept, and is to be no more."""

    async def answer(user: str, name: str) -> msgspec.Struct:
        if request.method == "POST":  # what OpenAI has there counts tokens, or compacts a conversation
            raise bad_request(f"There is nothing at {PATH}/{name[:100]}.", status=404, code="unknown_url")
        if request.query_params.get("stream", "false").lower() not in ("false", "0"):
            raise bad_request("A response is streamed while it is made, not later.", code="not_offered", param="stream")
        if (found := service.responses.find(user, name)) is None:
            raise _no_response(name)
        if request.method == "DELETE":
            with service.work(user):
                # In this order: what could not be forgotten can be deleted again.
                await _forget(service, found)
            service.responses.delete(user, name)
            return DeletedResponse(name)
        return found.response

    return await _answered(service, request, answer)


async def _forget(service: ServedSystem, found: KeptResponse) -> None:
    """Have an agent forget the turn that was answered with a response."""
    keeper = service.host.keeper
    if keeper is None or found.turn is None:
        return
    asking = partial(keeper.turns, found.session, conversation=found.conversation, containing=found.turn[0])
    with suppress(NotKept):
        page = await asking()
        while page:
            for turn in reversed(page):
                if (turn.question, turn.answer) == found.turn:
                    await keeper.forget(found.session, turn=turn.id)
                    return
            page = await asking(before=page[0].id)


async def input_items(service: ServedSystem, request: HttpRequest) -> Response:
    """Answer ``GET /v1/responses/{name}/input_items``: the items from which a response was made."""

    async def answer(user: str, name: str) -> msgspec.Struct:
        chain = service.responses.chain(user, name)
        if chain is None:
            raise _no_response(name)
        try:
            wanted = msgspec.convert(dict(request.query_params), Listing, strict=False)
        except msgspec.ValidationError as error:
            raise bad_request(f"{error}.") from error
        return _page([*(item for one in chain[:-1] for item in one.items), *chain[-1].said], wanted)

    return await _answered(service, request, answer)


def _page(items: list[Item], wanted: Listing) -> ItemList:
    if wanted.order == "desc":
        items = items[::-1]
    if wanted.after is not None:
        places = [place for place, item in enumerate(items) if item.id == wanted.after]
        if not places:
            raise not_there("Item", wanted.after, "after", because="it is none of this response's")
        items = items[places[0] + 1 :]
    page = items[: wanted.limit]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    return ItemList(page, first, last, has_more=len(items) > len(page))


async def _answered(
    service: ServedSystem, request: HttpRequest, answer: Callable[[str, str], Awaitable[msgspec.Struct]]
) -> Response:
    try:
        user = admitted(service, request.headers)
        body = msgspec.json.encode(await answer(user, request.path_params["name"]))
    except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets an error object
        return failure(error).response()
    return Response(body, media_type="application/json")


def _no_response(name: str) -> Failure:
    return not_there("Response", name, None, because=_FOR_A_WHILE)


async def _send(events: Events, made: Iterable[AnyEvent], *, last: bool = False) -> None:
    """Send what is made; after the ``last`` the response is at its end."""
    encoded = [(msgspec.json.encode(event), str(event.__struct_config__.tag)) for event in made]
    for place, (data, name) in enumerate(encoded, 1):
        await events.event(data, name, last=last and place == len(encoded))
