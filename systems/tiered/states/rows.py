"""States as rows that are only ever added: of each step what is new, found by the parts of the JSON.

It is what an engineer writes who knows that a conversation grows at its end and may lose its beginning: a row with the
messages of the step, and the values that changed. A state that is no JSON object, or whose fields are others than
before, is stored whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from systems.errors import DamagedState
from systems.tiered.states.interface import Codec


class _Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a step changed: fields that were ``set``; of lists how many items were ``dropped`` and those ``added``."""

    set: dict[str, Any] = {}
    dropped: dict[str, int] = {}
    added: dict[str, list[Any]] = {}


class Rows:
    """Each state as a row of what is new. Reading one reads every row since the whole state, ``longest`` at most."""

    def __init__(self, codec: Codec, *, longest: int = sys.maxsize) -> None:
        self.longest = longest
        self._codec = codec
        self._rows = msgspec.json.Decoder(_Row)
        # The state that was parsed last is the previous one of the next, as an agent holds it.
        self._parsed: tuple[bytes, dict[str, Any] | None] = (b"", None)

    def whole(self, state: bytes) -> bytes:
        """Return ``state`` packed."""
        return self._codec.pack(state)

    def after(self, state: bytes, previous: bytes) -> bytes | None:
        """Return the row of what is new, or None where the state is to be whole."""
        before, now = self._parts(previous), self._parts(state)
        if before is None or now is None or list(before) != list(now):
            return None
        row = _Row({}, {}, {})
        for name, value in now.items():
            old = before[name]
            if _same(old, value):
                continue
            dropped = _dropped(old, value) if isinstance(value, list) and isinstance(old, list) else None
            if dropped is None:
                row.set[name] = value
                continue
            if dropped:
                row.dropped[name] = dropped
            row.added[name] = value[len(old) - dropped :]
        return self._codec.pack(msgspec.json.encode(row))

    def read(self, frames: Sequence[bytes]) -> bytes:
        """Return the last state. Raises `DamagedState`."""
        state = self._codec.unpack(frames[0])
        if len(frames) == 1:
            return state
        try:
            parts = msgspec.json.decode(state, type=dict[str, Any])
            for frame in frames[1:]:
                _apply(self._rows.decode(self._codec.unpack(frame)), parts)
        except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError, AttributeError) as error:
            raise DamagedState(f"A row of a state cannot be read: {error}.") from error
        return msgspec.json.encode(parts)

    def _parts(self, state: bytes) -> dict[str, Any] | None:
        """Return the parts of ``state`` if they make it up, byte for byte."""
        if self._parsed[0] != state:
            try:
                parts = msgspec.json.decode(state, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                parts = None
            if parts is not None and msgspec.json.encode(parts) != state:
                parts = None  # spaces, other ways to write a number: they would be lost
            self._parsed = (state, parts)
        return self._parsed[1]


def _dropped(old: list[Any], new: list[Any]) -> int | None:
    """Return how many items the list lost at its beginning, if what is left begins the new one; else None."""
    for dropped in range(len(old)):
        kept = len(old) - dropped
        if kept <= len(new) and old[dropped] == new[0] and _same(old[dropped:], new[:kept]):
            return dropped
    return 0 if not old else None


def _same(old: Any, new: Any) -> bool:
    # 1, 1.0 and true are equal in Python, and are not the same text.
    return old == new and msgspec.json.encode(old) == msgspec.json.encode(new)


def _apply(row: _Row, parts: dict[str, Any]) -> None:
    parts.update(row.set)
    for name, items in row.added.items():
        held = parts[name]
        del held[: row.dropped.get(name, 0)]
        held.extend(items)
