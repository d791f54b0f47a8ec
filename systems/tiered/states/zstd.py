"""zstd: plain, with a dictionary trained on states such as those to come, and against the state before.

Every frame ends with a checksum of what was compressed: what is read with another previous state than it was made
with is an error, where it would else be a wrong state.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from systems.errors import BadInput, Damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
"""The level of whoever names none: zstd's own, and fast enough to pack what a turn waits for."""

MOST_BYTES = 256 << 20
"""No state is larger when unpacked: a frame of a few bytes may claim to be anything."""

_DICTIONARY_BYTES = 64 << 10
# A dictionary that is large beside its samples has learned them by heart, and is of no use to other states. With a
# tenth, a twentieth, a fiftieth and a hundredth of the samples, states and dictionary together took least with a
# fiftieth, or at most five percent less with another, for each kind of experiments.workloads.states that was tried.
_SAMPLES_A_DICTIONARY = 50
_LEAST_DICTIONARY_BYTES = 1 << 10
_LEAST_SAMPLES = 8

_LEAST_WINDOW, _MOST_WINDOW = 10, 27  # powers of two; 27 is what a reader takes without being told
_FAR = 1 << 20  # bytes before which the usual search finds what is alike, and beyond which it may not


class Dictionary:
    """What many states have in common. ``content`` is to be kept beside what was compressed with it, under ``number``.

    Without it nothing of that can be read.
    """

    def __init__(self, content: bytes) -> None:
        """Take a trained dictionary. Raises `Damaged` if ``content`` is none."""
        try:
            self._zstd = zstd.ZstdDict(content)
        except (zstd.ZstdError, ValueError) as error:
            raise Damaged(f"This is no dictionary of zstd: {error}.") from error

    @property
    def content(self) -> bytes:
        """The dictionary as it is kept."""
        return self._zstd.dict_content

    @property
    def number(self) -> int:
        """By which a frame names its dictionary; never 0."""
        return self._zstd.dict_id

    def to_compress(self) -> tuple[zstd.ZstdDict, int]:
        """Return it as zstd wants it for many short states: digested once, then kept."""
        return self._zstd.as_digested_dict

    def to_read(self) -> zstd.ZstdDict:
        """Return it as zstd wants it to read."""
        return self._zstd


def trained(samples: Iterable[bytes], most_bytes: int = _DICTIONARY_BYTES) -> Dictionary:
    """Train a dictionary of at most ``most_bytes``, and of a fiftieth of the ``samples``.

    Raises `BadInput` where they are too few, or too much alike, to learn from.
    """
    learned = [sample for sample in samples if sample]
    size = min(most_bytes, sum(map(len, learned)) // _SAMPLES_A_DICTIONARY)
    if len(learned) < _LEAST_SAMPLES or size < _LEAST_DICTIONARY_BYTES:
        least = _LEAST_DICTIONARY_BYTES * _SAMPLES_A_DICTIONARY
        raise BadInput(f"A dictionary is trained on {_LEAST_SAMPLES} samples of {least} bytes together, or more.")
    try:
        return Dictionary(zstd.train_dict(learned, size).dict_content)
    except zstd.ZstdError as error:
        raise BadInput(f"No dictionary could be trained on {len(learned)} samples: {error}.") from error


def compressed(state: bytes, dictionary: Dictionary | None = None, *, level: int = LEVEL) -> bytes:
    """Return ``state`` in a frame of its own, or one that ``dictionary`` is needed to read."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    # A digested dictionary brings its own search: the other options are those of the frame.
    return zstd.compress(state, options=options, zstd_dict=None if dictionary is None else dictionary.to_compress())


def decompressed(frame: bytes, dictionary: Dictionary | None = None, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the state in ``frame``.

    Raises `Damaged` if it is cut, changed, larger than ``most_bytes``, or was made with another dictionary.
    """
    wanted = dictionary_of(frame)
    if wanted and (dictionary is None or dictionary.number != wanted):
        raise Damaged(f"A state was compressed with the dictionary {wanted}, which is not at hand.")
    return _read(frame, dictionary.to_read() if dictionary and wanted else None, most_bytes)


def dictionary_of(frame: bytes) -> int:
    """Return the number of the dictionary that ``frame`` needs, 0 for none. Raises `Damaged`."""
    try:
        return int(zstd.get_frame_info(frame).dictionary_id)
    except zstd.ZstdError as error:
        raise Damaged(f"This is no frame of zstd: {error}.") from error


def frame_size(data: bytes) -> int:
    """Return how many bytes the first frame of ``data`` takes. Raises `Damaged`."""
    try:
        return zstd.get_frame_size(data)
    except zstd.ZstdError as error:
        raise Damaged(f"This is no frame of zstd: {error}.") from error


def difference(state: bytes, previous: bytes, *, level: int = LEVEL) -> bytes:
    """Return what ``state`` has that ``previous`` does not, as a frame that only ``previous`` makes readable."""
    far = len(previous) + len(state)
    window = min(max(far.bit_length(), _LEAST_WINDOW), _MOST_WINDOW)
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
        # All of the previous state is to be looked at, not just its end.
        zstd.CompressionParameter.window_log: window,
        zstd.CompressionParameter.enable_long_distance_matching: 1 if far > _FAR else 2,
    }
    return zstd.compress(state, options=options, zstd_dict=_prefix(previous))


def applied(frame: bytes, previous: bytes, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the state that `difference` made ``frame`` of, given the same ``previous``.

    Raises `Damaged` if the frame was changed or ``previous`` is another.
    """
    return _read(frame, _prefix(previous), most_bytes)


def _prefix(previous: bytes) -> tuple[zstd.ZstdDict, int] | None:
    # zstd takes no raw content of less than eight bytes.
    return zstd.ZstdDict(previous, is_raw=True).as_prefix if len(previous) >= 8 else None


def _read(frame: bytes, by: zstd.ZstdDict | tuple[zstd.ZstdDict, int] | None, most_bytes: int) -> bytes:
    reader = zstd.ZstdDecompressor(zstd_dict=by)
    try:
        state = reader.decompress(frame, max_length=most_bytes)
    except zstd.ZstdError as error:
        raise Damaged(f"A compressed state cannot be read: {error}.") from error
    if not reader.eof:
        why = "is cut short" if reader.needs_input else f"unpacks to more than {most_bytes} bytes"
        raise Damaged(f"A compressed state {why}.")
    if reader.unused_data:
        raise Damaged("A compressed state has something after its end.")
    return state
