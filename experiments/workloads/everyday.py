"""Everyday conversations with what a right reply to each message is, as tests/conversations/everyday has them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import msgspec

from systems.errors import BadInput

Kind = Literal["greeting", "told", "arithmetic", "fact", "recalled", "earlier", "untold"]
"""What a message is: hello or goodbye; a fact about the user; a sum; a small question on the world; a question on what
was told in this conversation; on what was told in an earlier one; on what was never told."""

KINDS: tuple[Kind, ...] = get_args(Kind)

REMEMBERING: tuple[Kind, ...] = ("earlier",)
"""The kinds that take long-term memory."""


class EverydayTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, and what its reply must say: one of ``answers`` and none of ``others``."""

    say: str
    kind: Kind
    answers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class EverydayTalk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user said in an earlier conversation, ``before``, and the turns of this one.

    ``private`` are the values that the user tells in either: they have no place in a reply to anything else.
    """

    name: str
    before: tuple[str, ...]
    private: tuple[str, ...]
    turns: tuple[EverydayTurn, ...]


def read(path: Path) -> list[EverydayTalk]:
    """Return the conversations in the file at ``path``. Raises `BadInput`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[EverydayTalk])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"The conversations in {path} cannot be read: {error}.") from error
