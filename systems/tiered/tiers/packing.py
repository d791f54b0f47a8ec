"""How the state of a conversation becomes few bytes, and comes back exactly as it was.

zstd, with a dictionary that was trained from conversations where there is one: most of what they share (instructions,
the layout of a prompt, ways to speak) is then written once and not in each of them. A frame names its dictionary and
ends with a checksum, and what is in it names its conversation: neither damage nor another one's state is taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from systems.errors import BadInput, Damaged
from systems.tiered.states import zstd
from systems.turn.history import Exchange

MOST_UNPACKED = 1 << 30
"""Bytes. Nothing that was packed here is larger; what says it is was damaged, or made by somebody else."""

MOST_DICTIONARY = 32 << 10
LEAST_SAMPLES = 64
# It is of use only if states it was not trained from take so much less under it than without.
_WORTH = 0.9


class _Held(msgspec.Struct, array_like=True, frozen=True):
    """What a frame has in it: which conversation it is of, and its exchanges."""

    of: bytes
    exchanges: list[tuple[str, str, bool, str]]


def digest(name: str) -> bytes:
    """Return the short name of ``name``, which may be of any length and hold anything; no two have the same."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Packing:
    """Packs and unpacks states; ``current`` is the number of the dictionary that it packs with, 0 for none."""

    def __init__(self) -> None:
        self._dictionaries: dict[int, zstd.Dictionary] = {}
        self.current = 0

    def learn(self, content: bytes, *, use: bool = True) -> int:
        """Know the dictionary ``content``, and pack with it from now on if it is to be of ``use``; return its number.

        Raises `Damaged` if it is none.
        """
        dictionary = zstd.Dictionary(content)
        self._dictionaries[dictionary.number] = dictionary
        if use:
            self.current = dictionary.number
        return dictionary.number

    def pack(self, talk: str, exchanges: Sequence[Exchange]) -> bytes:
        """Return ``exchanges`` of ``talk`` as bytes. Raises `BadInput` if a text holds half a character."""
        rows = [(each.question, each.answer, each.important, each.sent) for each in exchanges]
        try:
            return self._compressed(msgspec.msgpack.encode(_Held(digest(talk), rows)))
        except UnicodeEncodeError as error:
            raise BadInput("A conversation holds half a character (a lone surrogate), and cannot be packed.") from error

    def unpack(self, talk: str, packed: bytes) -> tuple[Exchange, ...]:
        """Return the exchanges that were packed for ``talk``. Raises `Damaged`."""
        try:
            held = msgspec.msgpack.decode(self.opened(packed), type=_Held)
        except msgspec.DecodeError as error:
            raise Damaged("The state of a conversation is damaged: it holds something else.") from error
        if held.of != digest(talk):
            raise Damaged("The state of a conversation is damaged: it is that of another one.")
        return tuple(Exchange(*row) for row in held.exchanges)

    def opened(self, packed: bytes) -> bytes:
        """Return what is in the frame ``packed``. Raises `Damaged`."""
        return zstd.decompressed(packed, self._dictionaries.get(zstd.dictionary_of(packed)), most_bytes=MOST_UNPACKED)

    def repacked(self, packed: bytes) -> bytes:
        """Return ``packed`` as it is with the current dictionary; it stays the same if it was. Raises `Damaged`."""
        return packed if zstd.dictionary_of(packed) == self.current else self._compressed(self.opened(packed))

    def _compressed(self, plain: bytes) -> bytes:
        return zstd.compressed(plain, self._dictionaries[self.current] if self.current else None)


def trained(samples: Sequence[bytes]) -> bytes | None:
    """Return a dictionary for states like ``samples``, which are not packed; None if it would be of no use.

    Every eighth is kept back to judge it by. Takes some tenths of a second a megabyte: not for an event loop.
    """
    if len(samples) < LEAST_SAMPLES:
        return None
    judges = samples[::8]
    try:
        dictionary = zstd.trained([each for number, each in enumerate(samples) if number % 8], MOST_DICTIONARY)
    except BadInput:  # too alike, or too short
        return None
    plain = sum(len(zstd.compressed(each)) for each in judges)
    less = sum(len(zstd.compressed(each, dictionary)) for each in judges)
    return dictionary.content if less < _WORTH * plain else None
