"""What the shared process is asked and answers, over its pipes: each thing in MessagePack, after its length."""

from __future__ import annotations

import asyncio
import struct
from typing import BinaryIO

import msgspec

from systems.errors import EngineBusy, EngineError, FourgigError, ModelError, told
from systems.research.embedding.work import RelevanceWork

_LENGTH = struct.Struct("<I")

# What may go wrong there, the particular before the general.
_KINDS: dict[str, type[FourgigError]] = {"model": ModelError, "busy": EngineBusy, "engine": EngineError}


class Worked(msgspec.Struct, frozen=True):
    """What came of a piece of work: its numbers; or, with a ``kind``, what kind of error and what it says."""

    numbers: bytes = b""
    kind: str = ""
    message: str = ""

    @classmethod
    def badly(cls, error: Exception) -> Worked:
        """Return that it ended with ``error``, which is whoever's who asked."""
        for kind, known in _KINDS.items():
            if isinstance(error, known):
                return cls(kind=kind, message=str(error))
        return cls(kind="engine", message=f"Relevance could not be made: {told(error)}.")

    def result(self) -> bytes:
        """Return the numbers. Raises the error."""
        if self.kind:
            raise _KINDS[self.kind](self.message)
        return self.numbers


_works: msgspec.msgpack.Decoder[RelevanceWork] = msgspec.msgpack.Decoder(RelevanceWork)
_worked = msgspec.msgpack.Decoder(Worked)


def packed(said: RelevanceWork | Worked) -> bytes:
    """Return ``said`` as it goes through a pipe."""
    data = msgspec.msgpack.encode(said)
    return _LENGTH.pack(len(data)) + data


def asked(pipe: BinaryIO) -> RelevanceWork | None:
    """Return the next piece of work; None when there will be no more. Blocks."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return _works.decode(data) if len(data) == length else None


async def answered(pipe: asyncio.StreamReader) -> Worked:
    """Return what came of the next piece. Raises `asyncio.IncompleteReadError` where the process has gone."""
    (length,) = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
    return _worked.decode(await pipe.readexactly(length))
