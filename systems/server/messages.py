"""The messages of the WebSocket, version 1: JSON objects told apart by their ``type``.

A client sends `Ask`; the server answers it with any number of `Token`s and then exactly one `ReplyMessage`, `Refusal`
or `Error` with the same ``id``; or `Stopped`, if a `Cancel` came in time. Where tokens are needed and the handshake
showed none, the first message is a `Hello`.
`Settings` gets `InForce`, a `Ping` gets a `Pong`. A frame that is no message gets an `Error` with an empty ``id``.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.engines.interface import FinishReason
from systems.interface import Degraded, Observed
from systems.server.settings import MAX_NAME, MAX_TEXT
from systems.settings import CacheCapacity, HistoryLength

VERSION = 1

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class _FromClient(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """What every message of a client may carry."""

    version: int = VERSION


class Hello(_FromClient, frozen=True, kw_only=True, tag="hello"):
    """The first message of a client that could not send a header, as a browser cannot."""

    token: Annotated[str, msgspec.Meta(max_length=1024)]


class Ask(_FromClient, frozen=True, kw_only=True, tag="ask"):
    """One user turn, of one of the session's conversations.

    ``max_tokens`` is an upper bound; without it the reply may be as long as there is room, or as the server is set.
    ``observed`` is accepted only by a server made for experiments.
    """

    id: Id
    session: Name
    conversation: Name | None = None
    text: Text
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None
    stream: bool = True
    observed: Observed | None = None


class Ping(_FromClient, frozen=True, kw_only=True, tag="ping"):
    """Asks whether the server is there, for clients that cannot send WebSocket's own ping."""

    id: Id


class Settings(_FromClient, frozen=True, kw_only=True, tag="settings"):
    """Changes what it names, and asks what is set: of the session, and (by an administrator) for everyone.

    The same as the commands ``/history N``, ``/cache size N`` and ``/settings``.
    """

    id: Id
    session: Name
    conversation: Name | None = None
    history_length: HistoryLength | None = None
    cache_capacity: CacheCapacity | None = None


class Cancel(_FromClient, frozen=True, kw_only=True, tag="cancel"):
    """Wants no more of the answer to the ask with this ``id``; one that is answered already stays as it is.

    With ``keep`` the agent is to keep what was streamed of it until then, as its reply.
    """

    id: Id
    keep: bool = False


FromClient = Hello | Ask | Settings | Ping | Cancel


class Token(msgspec.Struct, frozen=True, kw_only=True, tag="token", tag_field="type"):
    """A piece of the reply's text, as soon as it exists."""

    id: str
    text: str


class ReplyMessage(msgspec.Struct, frozen=True, kw_only=True, tag="reply", tag_field="type"):
    """The whole reply. Times are seconds since the request arrived at the system.

    ``source`` says where the text came from (model, cache, command), ``memories`` what was remembered for it,
    ``finish_reason`` whether it is complete (stop) or as long as it may be (length). ``dropped_messages`` and
    ``dropped_notes`` count what the prompt had no room for.
    ``tokens_per_s`` counts the tokens after the first. ``degraded`` names the steps that failed and were done without.
    ``tier`` is where the conversation lay, ``fetched_s`` what it took to have it, in an agent that has tiers.
    """

    id: str
    text: str
    source: str
    memories: tuple[str, ...]
    prompt_tokens: int
    generated_tokens: int
    first_token_s: float | None
    total_s: float
    tokens_per_s: float | None = None
    finish_reason: FinishReason = "stop"
    reused_tokens: int = 0
    dropped_messages: int = 0
    dropped_notes: int = 0
    degraded: tuple[Degraded, ...] = ()
    tier: str | None = None
    fetched_s: float | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal", tag_field="type"):
    """The request was not taken; nothing was done for it."""

    id: str
    reason: str
    retry_after_s: float


class Error(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """The request failed. ``kind`` is the error's type, ``message`` one sentence."""

    id: str
    kind: str
    message: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True, tag="stopped", tag_field="type"):
    """The answer to a `Cancel` that came in time: nothing more is generated.

    The turn is not remembered, unless it is ``kept``, with what was streamed of its reply.
    """

    id: str
    kept: bool = False


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong", tag_field="type"):
    """The answer to a `Ping`."""

    id: str


class InForce(msgspec.Struct, frozen=True, kw_only=True, tag="settings", tag_field="type"):
    """The answer to `Settings`: what is in force, in a sentence."""

    id: str
    said: str


FromServer = Token | ReplyMessage | Refusal | Error | Stopped | InForce | Pong
