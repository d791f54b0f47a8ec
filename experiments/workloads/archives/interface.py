"""What is read from every format."""

from __future__ import annotations

import msgspec


class ArchivedTurn(msgspec.Struct, frozen=True):
    """One thing that was said: its id, and its text as it is saved: after its speaker's name where the file has one.

    ``session`` is the sitting it was said in. ``said_at`` is in seconds since the epoch: a session's turns follow each
    other by seconds, and between two sessions is more than an hour.
    """

    id: str
    text: str
    session: str = ""
    speaker: str = ""
    said_at: float = 0.0


class ArchivedQuestion(msgspec.Struct, frozen=True):
    """A question, what kind its makers say it is, and the ids of the turns that hold the answer."""

    text: str
    kind: str
    evidence: tuple[str, ...]


class Archive(msgspec.Struct, frozen=True):
    """One conversation in the order it was held, and the questions about it that have evidence.

    ``left_out`` says what of the file is not in it, and how many of each. ``undated`` counts sessions without a date
    that can be read; they follow the session before them a day later.
    """

    name: str
    turns: list[ArchivedTurn]
    questions: list[ArchivedQuestion]
    left_out: dict[str, int] = {}
    undated: int = 0
