"""What is read from every format."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from systems.errors import BadInput

T = TypeVar("T")


class ArchivedTurn(msgspec.Struct, frozen=True):
    """One thing that was said: its id, and its text as it is saved."""

    id: str
    text: str


class ArchivedQuestion(msgspec.Struct, frozen=True):
    """A question, what kind its makers say it is, and the ids of the turns that hold the answer."""

    text: str
    kind: str
    evidence: tuple[str, ...]


class Archive(msgspec.Struct, frozen=True):
    """One conversation in the order it was held, and the questions about it that have evidence.

    ``unanswerable`` counts questions left out because their makers name no turn that holds the answer;
    ``unknown_evidence`` counts ids they name that no turn has.
    """

    name: str
    turns: list[ArchivedTurn]
    questions: list[ArchivedQuestion]
    unanswerable: int = 0
    unknown_evidence: int = 0


def decode(data: bytes, kind: type[T]) -> T:
    """Return JSON ``data`` as ``kind``. Raises `BadInput`, whose text says where it is another thing."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(str(error)) from error


def archive(name: str, turns: list[ArchivedTurn], asked: list[ArchivedQuestion]) -> Archive:
    """Return the archive of ``turns``, with what of ``asked`` has evidence among them."""
    known = {turn.id for turn in turns}
    questions = [
        msgspec.structs.replace(one, evidence=tuple(dict.fromkeys(turn for turn in one.evidence if turn in known)))
        for one in asked
    ]
    return Archive(
        name=name,
        turns=turns,
        questions=[one for one in questions if one.evidence],
        unanswerable=sum(not one.evidence for one in questions),
        unknown_evidence=sum(turn not in known for one in asked for turn in one.evidence),
    )
