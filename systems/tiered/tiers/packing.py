"""How the state of a conversation becomes few bytes, and comes back exactly as it was.

zstd, with a dictionary that was trained from conversations where there is one: most of what they share (instructions,
the layout of a prompt, ways to speak) is then written once and not in each of them. A frame names its dictionary and
ends with a checksum, and what is in it names its conversation: neither damage nor another one's state is taken for it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence

import msgspec

from systems.errors import BadInput, Damaged
from systems.turn.history import Exchange

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
"""Between speed and size, as zstd's authors set it: a state is packed within a turn."""

MOST_UNPACKED = 1 << 30
"""Bytes. Nothing that was packed here is larger; what says it is was damaged, or made by somebody else."""

# A dictionary pays when what it was trained from is about a hundred times as large (zstd's own advice).
SAMPLES_A_BYTE = 100
LEAST_DICTIONARY, MOST_DICTIONARY = 4 << 10, 32 << 10
LEAST_SAMPLES = 64
# It is of use only if states it was not trained from take so much less under it than without.
_WORTH = 0.9

_CHECKED: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
}


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
        self._dictionaries: dict[int, zstd.ZstdDict] = {}
        self.current = 0

    def learn(self, content: bytes, *, use: bool = True) -> int:
        """Know the dictionary ``content``, and pack with it from now on if it is to be of ``use``; return its number.

        Raises `Damaged` if it is none.
        """
        try:
            dictionary = zstd.ZstdDict(content)
        except (ValueError, zstd.ZstdError) as error:
            raise Damaged("A dictionary of the tiers is damaged; what was packed with it cannot be read.") from error
        self._dictionaries[dictionary.dict_id] = dictionary
        if use:
            self.current = dictionary.dict_id
        return dictionary.dict_id

    def unlearn(self, number: int) -> None:
        """Know the dictionary of this ``number`` no longer."""
        self._dictionaries.pop(number, None)
        if self.current == number:
            self.current = 0

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
        try:
            frame = zstd.get_frame_info(packed)
            dictionary = self._dictionaries[frame.dictionary_id] if frame.dictionary_id else None
            if frame.decompressed_size is None or frame.decompressed_size > MOST_UNPACKED:
                raise Damaged("The state of a conversation is damaged: it says that it is larger than any.")
            return zstd.decompress(packed, dictionary)
        except KeyError as error:
            raise Damaged("The dictionary that the state of a conversation was packed with is not there.") from error
        except (zstd.ZstdError, ValueError, MemoryError) as error:
            raise Damaged(f"The state of a conversation is damaged: {error}.") from error

    def repacked(self, packed: bytes) -> bytes:
        """Return ``packed`` as it is with the current dictionary; it stays the same if it was. Raises `Damaged`."""
        return packed if dictionary_of(packed) == self.current else self._compressed(self.opened(packed))

    def _compressed(self, plain: bytes) -> bytes:
        dictionary = self._dictionaries[self.current] if self.current else None
        return zstd.compress(plain, options=_CHECKED, zstd_dict=dictionary)


def dictionary_of(packed: bytes) -> int:
    """Return the number of the dictionary that ``packed`` needs, 0 for none. Raises `Damaged`."""
    try:
        return int(zstd.get_frame_info(packed).dictionary_id)
    except zstd.ZstdError as error:
        raise Damaged(f"The state of a conversation is damaged: {error}.") from error


def trained(samples: Sequence[bytes]) -> bytes | None:
    """Return a dictionary for states like ``samples``, which are not packed; None if it would be of no use.

    Every eighth is kept back to judge it by. Takes some tenths of a second a megabyte: not for an event loop.
    """
    size = min(MOST_DICTIONARY, sum(map(len, samples)) // SAMPLES_A_BYTE)
    if len(samples) < LEAST_SAMPLES or size < LEAST_DICTIONARY:
        return None
    judges = samples[::8]
    try:
        dictionary = zstd.train_dict([each for number, each in enumerate(samples) if number % 8], size)
    except zstd.ZstdError:  # samples too alike, or too short
        return None
    plain = sum(len(zstd.compress(each, options=_CHECKED)) for each in judges)
    less = sum(len(zstd.compress(each, options=_CHECKED, zstd_dict=dictionary)) for each in judges)
    return dictionary.dict_content if less < _WORTH * plain else None
