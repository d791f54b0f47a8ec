"""What of a conversation lies in a tier: its exchanges as bytes, with when it was used last."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from systems.errors import BadInput, Damaged
from systems.interface import session_of
from systems.turn.history import Exchange


class HeldState(NamedTuple):
    """The conversation ``talk`` as bytes (empty where these lie elsewhere), how many, and when it was used last."""

    talk: str
    packed: bytes
    size: int
    used: float


class HeldStates:
    """States by conversation, in the order in which they came; ``bytes`` is what all of them take."""

    def __init__(self) -> None:
        self._states: dict[str, HeldState] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, talk: str) -> bool:
        return talk in self._states

    def __iter__(self) -> Iterator[HeldState]:
        return iter(self._states.values())

    def put(self, state: HeldState) -> None:
        """Hold ``state`` instead of an older one of its conversation."""
        self.pop(state.talk)
        self._states[state.talk] = state
        self.bytes += state.size

    def get(self, talk: str) -> HeldState | None:
        """Return the state of ``talk``, which stays."""
        return self._states.get(talk)

    def pop(self, talk: str) -> HeldState | None:
        """Return the state of ``talk``, which is held no longer."""
        state = self._states.pop(talk, None)
        if state is not None:
            self.bytes -= state.size
        return state

    def of(self, session: str) -> list[str]:
        """Return the conversations of ``session``."""
        return [talk for talk in self._states if session_of(talk) == session]

    def due(self, most_bytes: int, before: float) -> list[HeldState]:
        """Return those that nobody used since ``before``, and of the others the oldest that are too many bytes."""
        over = self.bytes - most_bytes
        found: list[HeldState] = []
        if over <= 0 and before == -math.inf:
            return found
        for state in self._states.values():
            if state.used < before or over > 0:
                found.append(state)
                over -= state.size
        return found


def pack(exchanges: Sequence[Exchange]) -> bytes:
    """Return ``exchanges`` as bytes. Raises `BadInput` if a text holds half a character."""
    try:
        return msgspec.msgpack.encode([(each.question, each.answer, each.important, each.sent) for each in exchanges])
    except UnicodeEncodeError as error:
        raise BadInput("A conversation holds half a character (a lone surrogate), and cannot be packed.") from error


def unpack(packed: bytes) -> tuple[Exchange, ...]:
    """Return the exchanges that were packed. Raises `Damaged`."""
    try:
        rows = msgspec.msgpack.decode(packed, type=list[tuple[str, str, bool, str]])
    except msgspec.DecodeError as error:
        raise Damaged("The state of a conversation is damaged: it holds something else.") from error
    return tuple(Exchange(*row) for row in rows)
