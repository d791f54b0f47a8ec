"""``/v1/fourgig/…``: what is kept of a person's conversations, to be listed, looked into, corrected and forgotten.

It is the person's that a token speaks for; ``?user=`` names another one of the same token's. What another token's
persons said cannot be named. An agent that keeps nothing to be looked into (`Keeper`) has none of this: 404.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from systems.errors import BadInput, NotKept, StillReadable
from systems.interface import Keeper, KeptConversation, KeptTurn
from systems.server.conversation import DEFAULT_PERSON
from systems.server.decoding import not_understood
from systems.server.failures import bad_request, failure
from systems.server.receiving import ClientLeft, admitted, body_of
from systems.server.service import ServedSystem
from systems.server.settings import MAX_NAME, MAX_TEXT
from systems.server.wire.guard import session_of

CONVERSATIONS = "/v1/fourgig/conversations"
TURNS = "/v1/fourgig/turns"


class ConversationList(msgspec.Struct):
    """A page of the conversations that are kept, the latest first."""

    data: list[KeptConversation]
    has_more: bool


class TurnList(msgspec.Struct):
    """Turns, oldest first: the newest page of those that were asked for."""

    data: list[KeptTurn]


class ConversationListing(msgspec.Struct):
    """Which of the conversations are wanted."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    after: Annotated[str, msgspec.Meta(max_length=MAX_NAME)] | None = None


class Correction(msgspec.Struct, forbid_unknown_fields=True):
    """What was really said."""

    question: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class Deleted(msgspec.Struct):
    """How many turns were forgotten."""

    deleted: int


_Answered = tuple[Any, str | None]
"""What is answered, and the conversation that was changed by it."""

_Answer = Callable[[Keeper, str, Request], Awaitable[_Answered]]
_correction = msgspec.json.Decoder(Correction)


def routes(service: ServedSystem) -> list[Route]:
    """Return the addresses, and what answers at each."""
    return [
        _route(service, CONVERSATIONS, "GET", _conversations),
        _route(service, CONVERSATIONS + "/{conversation:path}", "DELETE", _forget_conversation),
        _route(service, TURNS, "GET", _turns),
        _route(service, TURNS + "/{turn}", "PATCH", _correct),
        _route(service, TURNS + "/{turn}", "DELETE", _forget_turn),
    ]


def _route(service: ServedSystem, path: str, method: str, answer: _Answer) -> Route:
    route = Route(path, partial(_answered, service, answer), methods=[method])
    # A conversation may be called anything, with line breaks too.
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route


async def _answered(service: ServedSystem, answer: _Answer, request: Request) -> Response:
    try:
        user = admitted(service, request.headers)
        keeper = _keeper(service)
        person = _named(request, "user") or DEFAULT_PERSON
        session = session_of(user, person)
        with service.work(user):
            try:
                said, changed = await answer(keeper, session, request)
            except StillReadable:  # the agent has it no more, and does not say of which conversation it was
                service.responses.forget(session)
                raise
        if changed is not None:  # or it could still be gone on from
            service.responses.forget(session, changed)
        return Response(msgspec.json.encode(said), media_type="application/json")
    except ClientLeft:
        return Response(status_code=400)
    except Exception as error:  # noqa: BLE001 - the last boundary: whatever happens, the client gets an error object
        return failure(error).response()


def _keeper(service: ServedSystem) -> Keeper:
    if service.host.keeper is None:
        raise NotKept("What is served keeps nothing of conversations that could be looked into.")
    return service.host.keeper


async def _conversations(keeper: Keeper, session: str, request: Request) -> _Answered:
    try:
        wanted = msgspec.convert(dict(request.query_params), ConversationListing, strict=False)
    except msgspec.ValidationError as error:
        raise not_understood(error) from error
    with _not_there():
        found = await keeper.conversations(session, most=wanted.limit + 1, after=wanted.after)
    return ConversationList(found[: wanted.limit], len(found) > wanted.limit), None


async def _turns(keeper: Keeper, session: str, request: Request) -> _Answered:
    with _not_there():
        found = await keeper.turns(
            session,
            conversation=_named(request, "conversation"),
            containing=_named(request, "containing", MAX_TEXT) or "",
            before=_named(request, "before"),
        )
    return TurnList(found), None


async def _forget_conversation(keeper: Keeper, session: str, request: Request) -> _Answered:
    conversation = str(request.path_params["conversation"])
    with _not_there():
        gone = await keeper.forget(session, conversation=conversation, since=_named(request, "since"))
    return Deleted(gone.turns), gone.conversation


async def _forget_turn(keeper: Keeper, session: str, request: Request) -> _Answered:
    with _not_there():
        gone = await keeper.forget(session, turn=str(request.path_params["turn"]))
    return Deleted(gone.turns), gone.conversation


async def _correct(keeper: Keeper, session: str, request: Request) -> _Answered:
    try:
        correction = _correction.decode(await body_of(request.receive, request.headers))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise not_understood(error) from error
    if not correction.question.strip():
        raise bad_request("A turn says something.", param="question")
    with _not_there():
        turn = await keeper.correct(session, str(request.path_params["turn"]), correction.question)
    return turn, turn.conversation


@contextmanager
def _not_there() -> Iterator[None]:
    """Answer with 404 what is not there."""
    try:
        yield
    except NotKept:
        raise
    except BadInput as error:
        raise bad_request(str(error), status=404, code="not_found") from error


def _named(request: Request, name: str, most: int = MAX_NAME) -> str | None:
    value = request.query_params.get(name)
    if value is not None and len(value) > most:
        raise bad_request(f"`{name}` has at most {most} characters.", param=name)
    return value
