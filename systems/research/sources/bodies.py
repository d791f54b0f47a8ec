"""Bodies of answers, unpacked as they come and never beyond a bound: a few kilobytes can hold gigabytes of zeros."""

from __future__ import annotations

import zlib

from systems.research.sources.documents import CannotRead, TooLarge

CODINGS = "gzip"
"""How an answer may be packed: what a request says."""

_GZIP = 16 + zlib.MAX_WBITS


class Unpacking:
    """Takes a body in pieces and returns it unpacked: at most ``most_bytes`` of it.

    One that holds more is refused or, if ``cut``, ends there; ``full`` says that it did.
    """

    def __init__(self, coding: str, most_bytes: int, *, cut: bool = False) -> None:
        """``coding`` is what the answer says it is packed as. Raises `CannotRead` for one that was not asked for."""
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise CannotRead(f"it is packed as {coding[:40]!r}, which was not asked for")
        self._unpacker = zlib.decompressobj(_GZIP) if coding.endswith("gzip") else None
        self._most_bytes = most_bytes
        self._bytes = 0
        self._cut = cut
        self.full = False

    def feed(self, data: bytes) -> bytes:
        """Return what this piece unpacks to. Raises `TooLarge`, and `CannotRead` where it cannot be unpacked."""
        if self._unpacker is not None:
            try:
                # One byte more than fits, so that what fits exactly is told from what does not.
                data = self._unpacker.decompress(data, self._most_bytes - self._bytes + 1)
            except zlib.error as error:
                raise CannotRead("it cannot be unpacked: its gzip data is broken") from error
            if self._unpacker.unused_data:
                raise CannotRead("it cannot be unpacked: something follows its gzip data")
        room = self._most_bytes - self._bytes
        self._bytes += len(data)
        if len(data) <= room:
            return data
        if not self._cut:
            raise TooLarge(self._most_bytes)
        self.full = True
        return data[:room]

    def end(self) -> None:
        """Note that the body has ended. Raises `CannotRead` where what is packed goes on."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise CannotRead("it cannot be unpacked: its gzip data is cut off")
