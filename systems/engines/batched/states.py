"""What idle conversations have computed, kept within a bound: in memory, then on disk, then not at all.

Every token's state costs the same to compute and to keep, so the least valuable state is the one whose conversation
has been silent for longest: it is the first to leave.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")

# Bytes a second that a disk is trusted with until it has been measured.
_DISK_BYTES_PER_S = 200e6


class State(msgspec.Struct, frozen=True):
    """What a sequence holds: its ``tokens`` (int32), and ``data`` as llama.cpp saves it."""

    tokens: NDArray[np.int32]
    data: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.data.nbytes + self.tokens.nbytes


class _Spilled(msgspec.Struct, frozen=True):
    tokens: NDArray[np.int32]
    path: Path
    size: int


class States(Generic[Key]):
    """States by key: at most ``memory_bytes`` of them in memory and ``disk_bytes`` in a folder of its own.

    ``compute_s`` returns how long that many tokens take to compute again: a state that a disk would not return sooner
    is dropped. Used from one thread.
    """

    def __init__(self, memory_bytes: int, disk_bytes: int, compute_s: Callable[[int], float]) -> None:
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._compute_s = compute_s
        self._in_memory: OrderedDict[Key, State] = OrderedDict()
        self._on_disk: OrderedDict[Key, _Spilled] = OrderedDict()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0
        self._read_bytes_per_s = _DISK_BYTES_PER_S
        self.bytes = 0
        self.bytes_on_disk = 0
        self.spilled = 0
        self.dropped = 0

    def would_keep(self, size: int, tokens: int) -> bool:
        """Return whether a state of ``size`` bytes, of so many tokens, would be kept at all."""
        return size <= self._memory_bytes or self._worth_disk(size, tokens)

    def put(self, key: Key, state: State) -> None:
        """Keep ``state`` as the newest, and let the oldest leave until the bound holds."""
        self.forget(key)
        self._in_memory[key] = state
        self.bytes += state.size
        while self.bytes > self._memory_bytes and self._in_memory:
            oldest, leaving = self._in_memory.popitem(last=False)
            self.bytes -= leaving.size
            self._spill(oldest, leaving)

    def take(self, key: Key) -> State | None:
        """Return the state under ``key`` and keep it no longer; None if there is none."""
        state = self._in_memory.pop(key, None)
        if state is not None:
            self.bytes -= state.size
            return state
        spilled = self._on_disk.pop(key, None)
        return None if spilled is None else self._fetch(spilled)

    def forget(self, key: Key) -> None:
        """Drop the state under ``key``, if there is one."""
        state = self._in_memory.pop(key, None)
        if state is not None:
            self.bytes -= state.size
        spilled = self._on_disk.pop(key, None)
        if spilled is not None:
            self._remove(spilled)

    def close(self) -> None:
        """Drop everything."""
        self._in_memory.clear()
        self._on_disk.clear()
        self.bytes = self.bytes_on_disk = 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _spill(self, key: Key, state: State) -> None:
        size = state.data.nbytes
        if not self._worth_disk(size, len(state.tokens)):
            self.dropped += 1
            return
        while self.bytes_on_disk + size > self._disk_bytes:
            _, oldest = self._on_disk.popitem(last=False)
            self._remove(oldest)
            self.dropped += 1
        path = None
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="fourgig-states-")  # readable by its owner alone
            self._files += 1
            path = Path(self._folder.name) / f"{self._files}.state"
            state.data.tofile(path)
        except OSError:  # a full disk, or none to write to: the state can be computed again
            if path is not None:
                path.unlink(missing_ok=True)
            self.dropped += 1
            return
        self._on_disk[key] = _Spilled(state.tokens, path, size)
        self.bytes_on_disk += size
        self.spilled += 1

    def _worth_disk(self, size: int, tokens: int) -> bool:
        return size <= self._disk_bytes and size / self._read_bytes_per_s <= self._compute_s(tokens)

    def _fetch(self, spilled: _Spilled) -> State | None:
        began = perf_counter()
        try:
            data = np.fromfile(spilled.path, np.uint8)
        except OSError:
            data = np.empty(0, np.uint8)
        self._remove(spilled)
        if data.nbytes != spilled.size:  # somebody else's hand was in the folder
            self.dropped += 1
            return None
        rate = spilled.size / max(perf_counter() - began, 1e-6)
        self._read_bytes_per_s += 0.2 * (rate - self._read_bytes_per_s)
        return State(spilled.tokens, data)

    def _remove(self, spilled: _Spilled) -> None:
        self.bytes_on_disk -= spilled.size
        spilled.path.unlink(missing_ok=True)
