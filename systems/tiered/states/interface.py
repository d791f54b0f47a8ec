"""What keeps the successive states of a session: a codec packs one state, a way relates it to those before.

A state is bytes: what an agent would need to go on, as JSON if it is to be stored by its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Codec(Protocol):
    """Packs bytes so that they can be had again, all of them and as they were."""

    def pack(self, data: bytes) -> bytes:
        """Return ``data`` packed."""
        ...

    def unpack(self, packed: bytes) -> bytes:
        """Return what was packed. Raises `systems.errors.DamagedState`."""
        ...


class Way(Protocol):
    """How a state is stored: whole, or as a frame that only what was stored before makes readable.

    ``longest`` is how many frames may follow a whole state before the next is stored whole.
    """

    longest: int

    def whole(self, state: bytes) -> bytes:
        """Return ``state`` as a frame that is read alone."""
        ...

    def after(self, state: bytes, previous: bytes) -> bytes | None:
        """Return ``state`` as a frame that is read after those of ``previous``; None where it is to be whole."""
        ...

    def read(self, frames: Sequence[bytes]) -> bytes:
        """Return the state of the last of ``frames``: a whole one and those that followed it, in their order.

        Raises `systems.errors.DamagedState`.
        """
        ...


class Plain:
    """The codec that packs nothing."""

    def pack(self, data: bytes) -> bytes:
        """Return ``data``."""
        return data

    def unpack(self, packed: bytes) -> bytes:
        """Return ``packed``."""
        return packed
