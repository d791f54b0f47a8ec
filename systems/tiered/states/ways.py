"""States stored whole under a codec, or as what differs from the state before."""

from __future__ import annotations

from collections.abc import Sequence

from systems.tiered.states import zstd
from systems.tiered.states.interface import Codec

LONGEST = 32
"""How many differences follow a whole state where nobody says: restoring reads as many, half of them on average."""


class Compressed:
    """The codec zstd, with a dictionary or without."""

    def __init__(self, dictionary: zstd.Dictionary | None = None, *, level: int = zstd.LEVEL) -> None:
        self._dictionary = dictionary
        self._level = level

    def pack(self, data: bytes) -> bytes:
        """Return ``data`` as a frame of zstd."""
        return zstd.compressed(data, self._dictionary, level=self._level)

    def unpack(self, packed: bytes) -> bytes:
        """Return what was packed. Raises `DamagedState`."""
        return zstd.decompressed(packed, self._dictionary)


class Snapshots:
    """Every state whole, as checkpointing frameworks keep them: any can be read alone, and each repeats the others."""

    longest = 0

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def whole(self, state: bytes) -> bytes:
        """Return ``state`` packed."""
        return self._codec.pack(state)

    def after(self, state: bytes, previous: bytes) -> None:  # noqa: ARG002 - no state depends on another
        """Return None."""
        return

    def read(self, frames: Sequence[bytes]) -> bytes:
        """Return the last state. Raises `DamagedState`."""
        return self._codec.unpack(frames[-1])


class Differences:
    """Each state as what it has and the state before does not (`zstd.difference`); now and then a whole one.

    A whole one is packed by ``codec``: one with a dictionary serves short sessions best.
    """

    def __init__(self, codec: Codec | None = None, *, longest: int = LONGEST, level: int = zstd.LEVEL) -> None:
        self.longest = longest
        self._whole = codec or Compressed(level=level)
        self._level = level

    def whole(self, state: bytes) -> bytes:
        """Return ``state`` packed."""
        return self._whole.pack(state)

    def after(self, state: bytes, previous: bytes) -> bytes:
        """Return what differs."""
        return zstd.difference(state, previous, level=self._level)

    def read(self, frames: Sequence[bytes]) -> bytes:
        """Return the last state: each is read by the one before. Raises `DamagedState`."""
        state = self._whole.unpack(frames[0])
        for frame in frames[1:]:
            state = zstd.applied(frame, state)
        return state
