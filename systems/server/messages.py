"""The messages of the WebSocket, version 1: JSON objects told apart by their ``type``.

A client sends `Ask`; the server answers it with any number of `Token`s and then exactly one `Answer`, `Refusal` or
`Error` with the same ``id``. A frame that is no message gets an `Error` with an empty ``id``.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.interface import Degraded, Observed

VERSION = 1

# Bounds on what one client can make the server hold. A frame has room for the longest text in escaped JSON.
MAX_TEXT = 16_384
MAX_TOKENS = 4_096
MAX_FRAME_BYTES = 256 * 1024

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag="ask", tag_field="type", forbid_unknown_fields=True):
    """One user turn. ``scripted_reply`` and ``observed`` are accepted only by a server made for experiments."""

    id: Id
    session: Id
    text: Text
    version: int = VERSION
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=MAX_TOKENS)] = 256
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None
    stream: bool = True
    scripted_reply: Text | None = None
    observed: Observed | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True, tag="token", tag_field="type"):
    """A piece of the reply's text, as soon as it exists."""

    id: str
    text: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer", tag_field="type"):
    """The whole reply. Times are seconds since the request arrived at the system.

    ``degraded`` names the steps that failed and were done without.
    """

    id: str
    text: str
    source: str
    memories: tuple[str, ...]
    prompt_tokens: int
    generated_tokens: int
    first_token_s: float | None
    total_s: float
    degraded: tuple[Degraded, ...] = ()


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


FromServer = Token | Answer | Refusal | Error
