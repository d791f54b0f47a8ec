"""Blocking work as an agent's turn has it: sleeps as published, files, SQLite commits, and Python that keeps its lock.

A piece of work holds the thread that calls it until it is done. Pieces of one kind are equal, and may be done from
any thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from experiments.measuring.limits import page_cache
from experiments.workloads.conversations import sentences
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn

Piece = Callable[[], object]

FILE_KILOBYTES = 500
MESSAGES_A_TEXT = 25


class PreparedWork(msgspec.Struct, frozen=True):
    """What is to be done: the pieces, and what was noted while preparing them, by name."""

    pieces: list[Piece]
    noted: dict[str, float] = {}


def sleep(kilobytes: int, seconds: float) -> None:
    """Do the published piece of work: allocate, and sleep."""
    block = b"x" * (kilobytes * 1024)
    time.sleep(seconds)
    del block


def _reads(count: int, folder: Path, _seed: int) -> PreparedWork:
    """Read whole files, each once, from the disk: ``bytes_left_cached`` of them could not be dropped from memory."""
    paths = [folder / f"read-{number}" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(FILE_KILOBYTES * 1024))
    left = page_cache.evict(paths)
    return PreparedWork([path.read_bytes for path in paths], {"bytes_left_cached": left})


def _writes(count: int, folder: Path, _seed: int) -> PreparedWork:
    """Write files and wait until each is on the disk."""
    return PreparedWork([partial(_write, folder / f"written-{number}") for number in range(count)])


def _write(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"x" * (FILE_KILOBYTES * 1024))
        file.flush()
        os.fsync(file.fileno())


def _commits(count: int, folder: Path, seed: int) -> PreparedWork:
    """Save turns in the traditional store, each in a transaction of its own."""
    store = LikeStore(folder / "memory.sqlite")
    store.open()
    turns = [
        SavedTurn(session="someone", question=text, answer=text, keywords=("friend", "letter"))
        for text in islice(sentences(seed), count)
    ]
    return PreparedWork([partial(store.save, [turn]) for turn in turns])


def _extractions(count: int, _folder: Path, seed: int) -> PreparedWork:
    """Extract the keywords of long texts: Python at work, which holds the interpreter lock."""
    keywords = Keywords()
    keywords.load()
    source = sentences(seed)
    texts = [" ".join(islice(source, MESSAGES_A_TEXT)) for _ in range(count)]
    return PreparedWork([partial(keywords.extract, text) for text in texts])


_KINDS: dict[str, Callable[[int, Path, int], PreparedWork]] = {
    "file read": _reads,
    "file write": _writes,
    "SQLite commit": _commits,
    "keywords": _extractions,
}
KINDS = tuple(_KINDS)
"""The kinds of work besides the sleep."""


def prepare(kind: str, count: int, folder: Path, seed: int) -> PreparedWork:
    """Return ``count`` pieces of one of the `KINDS`; what they read is in ``folder``, and there they write."""
    return _KINDS[kind](count, folder, seed)
