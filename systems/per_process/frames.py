"""What the processes say to each other: pickled objects, each after its length.

Both sides run this very code, and a pipe has no other end: nothing of a stranger's is ever unpickled.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from systems.engines.interface import Engine
from systems.errors import FourgigError
from systems.interface import Counters, Reply, Request
from systems.per_process.settings import PerProcessSettings

_LENGTH = struct.Struct("<Q")


class AgentMade(msgspec.Struct, frozen=True):
    """What an agent is made of: the first thing its process is told."""

    settings: PerProcessSettings
    engine: Engine
    data_dir: Path


class TurnAsked(msgspec.Struct, frozen=True):
    """A request and its number; whether its tokens are wanted as they come."""

    number: int
    request: Request
    streams: bool


class TurnStopped(msgspec.Struct, frozen=True):
    """Nobody waits for the reply of this number any more."""

    number: int


class AgentClosed(msgspec.Struct, frozen=True):
    """The agent is to close, and its process to end."""


class TurnToken(msgspec.Struct, frozen=True):
    """A piece of the reply of this number."""

    number: int
    text: str


class TurnAnswered(msgspec.Struct, frozen=True):
    """How a number ended: with a reply, an error or neither (it started, or closed); and all that was counted."""

    number: int
    counters: Counters
    reply: Reply | None = None
    error: FourgigError | None = None


START = 0
"""The number under which a process tells that its agent has started; requests count from 1."""


def packed(said: object) -> bytes:
    """Return ``said`` as a frame. Raises what pickle raises."""
    data = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def read(pipe: BinaryIO) -> Any:
    """Return the next thing that is said. Blocks. Raises `EOFError` where the other side has gone."""
    (length,) = _LENGTH.unpack(_whole(pipe, _LENGTH.size))
    return pickle.loads(_whole(pipe, length))  # noqa: S301 - of a process of our own


async def next_of(pipe: asyncio.StreamReader) -> Any:
    """Return the next thing that is said. Raises `asyncio.IncompleteReadError` where the other side has gone."""
    (length,) = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
    return pickle.loads(await pipe.readexactly(length))  # noqa: S301 - of a process of our own


def _whole(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data
