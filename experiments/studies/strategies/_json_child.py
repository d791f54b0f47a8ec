"""The process that reads one JSON document in one way: ``python -c`` this module's `main`, with way and files."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from experiments.measuring.probes import memory

PROGRAM = "from experiments.studies.strategies import _json_child; _json_child.main()"

Wanted = tuple[int, str]
"""Of each record: its number of tokens and its text."""


class JsonSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader found, and what that took: seconds, and resident bytes at the highest, beyond those before.

    ``backend`` is that of ijson where it read: in C or in Python, which takes many times as long.
    """

    records: int
    tokens: int
    longest: int
    took_s: float
    first_s: float
    peak_bytes: int
    backend: str = ""


class _Typed(msgspec.Struct):
    text: str
    tokens: int


class _Document(msgspec.Struct):
    records: list[_Typed]


def _read_whole(path: Path) -> Iterator[Wanted]:
    with path.open(encoding="utf-8") as file:
        document = json.load(file)
    return ((record["tokens"], record["text"]) for record in document["records"])


def _typed_whole(path: Path) -> Iterator[Wanted]:
    document = msgspec.json.decode(path.read_bytes(), type=_Document)
    return ((record.tokens, record.text) for record in document.records)


def _streamed(path: Path) -> Iterator[Wanted]:
    import ijson  # optional, and only this way and the next need it

    with path.open("rb") as file:
        for record in ijson.items(file, "records.item", use_float=True):
            yield record["tokens"], record["text"]


def _rebuilt(path: Path) -> Iterator[Wanted]:
    import ijson

    with path.open("rb") as file:
        [document] = ijson.items(file, "", use_float=True)
    return ((record["tokens"], record["text"]) for record in document["records"])


def _lines(path: Path) -> Iterator[Wanted]:
    with path.open("rb") as file:
        for line in file:
            record = json.loads(line)
            yield record["tokens"], record["text"]


_WAYS: dict[str, Callable[[Path], Iterable[Wanted]]] = {
    "read-whole": _read_whole,
    "typed-whole": _typed_whole,
    "streamed": _streamed,
    "rebuilt": _rebuilt,
    "lines": _lines,
}


def main() -> None:
    """Read the second file that the arguments name in the way that they name, and tell what was seen.

    The first is a small one, for what a way loads and builds when it is used first.
    """
    way, first, path = sys.argv[1:]
    read(way, Path(first))
    os.write(1, msgspec.json.encode(read(way, Path(path))))


def read(way: str, path: Path) -> JsonSeen:
    """Read a file, and add up what is wanted of its records."""
    before = memory.sample().rss_bytes
    records = tokens = longest = 0
    first_s = 0.0
    began = time.perf_counter()
    for number, text in _WAYS[way](path):
        if not records:
            first_s = time.perf_counter() - began
        records += 1
        tokens += number
        longest = max(longest, len(text))
    took_s = time.perf_counter() - began
    return JsonSeen(
        records=records,
        tokens=tokens,
        longest=longest,
        took_s=round(took_s, 6),
        first_s=round(first_s, 6),
        peak_bytes=max(0, memory.peak_bytes() - before),
        backend=_backend(way),
    )


def _backend(way: str) -> str:
    if way not in ("streamed", "rebuilt"):
        return ""
    import ijson

    return str(ijson.backend)
