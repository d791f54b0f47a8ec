"""A frozen session as one object: what it said, as `fourgig memory export` writes it, and its states.

Its first part is a plain zstd frame, so that a person can have the turns without this program's other files
(``zstd -d``, then ``fourgig memory import``); the states follow in a frame that such programs skip. It needs no
dictionary: a bundle is worth nothing that cannot be read by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

from systems.errors import Damaged
from systems.memory.archive import EMPTIED_VERSION, FORMAT_VERSION, Header, header
from systems.memory.schema import SavedTurn
from systems.tiered.states import zstd
from systems.tiered.tiers.packing import MOST_UNPACKED
from systems.turn.history import Exchange

# Written seldom, in a thread, and kept long.
_LEVEL = 9
# A frame that whoever unpacks zstd passes over: its mark and the bytes that follow (RFC 8878, 3.1.2).
_SKIPPABLE, _MARK = struct.Struct("<II"), 0x184D2A50


class Contents(msgspec.Struct, array_like=True, frozen=True):
    """The states of a session: the name of each conversation, as bytes, and what it holds."""

    session: bytes
    states: list[tuple[bytes, list[Exchange]]]


def written(session: str, turns: Sequence[SavedTurn], states: Sequence[tuple[str, Sequence[Exchange]]]) -> bytes:
    """Return the bundle of ``session``. Not for an event loop: it may be long."""
    first = header(has_emptied=any(not turn.in_history for turn in turns))
    lines = msgspec.json.Encoder().encode_lines([first, *turns])
    held = Contents(_bytes(session), [(_bytes(talk), list(exchanges)) for talk, exchanges in states])
    packed = zstd.compressed(msgspec.msgpack.encode(held), level=_LEVEL)
    return zstd.compressed(lines, level=_LEVEL) + _SKIPPABLE.pack(_MARK, len(packed)) + packed


def read(data: bytes, session: str) -> tuple[list[SavedTurn], list[tuple[str, list[Exchange]]]]:
    """Return the turns and the states in a bundle of ``session``. Raises `Damaged`."""
    try:
        first = zstd.frame_size(data)
        mark, length = _SKIPPABLE.unpack_from(data, first)
        packed = data[first + _SKIPPABLE.size :]
        if mark != _MARK or length != len(packed):
            raise Damaged("The bundle of a session is damaged: its states are missing.")
        line, *lines = zstd.decompressed(data[:first], most_bytes=MOST_UNPACKED).splitlines()
        version = msgspec.json.decode(line, type=Header).version
        if version not in (FORMAT_VERSION, EMPTIED_VERSION):
            raise Damaged(f"The bundle of a session has version {version}; this program reads up to {EMPTIED_VERSION}.")
        turns = [msgspec.json.decode(line, type=SavedTurn) for line in lines]
        held = msgspec.msgpack.decode(zstd.decompressed(packed, most_bytes=MOST_UNPACKED), type=Contents)
    except (msgspec.DecodeError, struct.error, ValueError, MemoryError) as error:
        raise Damaged(f"The bundle of a session is damaged: {error}.") from error
    if held.session != _bytes(session) or any(turn.session != session for turn in turns):
        raise Damaged("The bundle of a session is damaged: it is that of another one.")
    return turns, [(talk.decode("utf-8", "surrogatepass"), exchanges) for talk, exchanges in held.states]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
