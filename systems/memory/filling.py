"""Filling a new long-term memory with turns of the past, as if somebody had talked before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from systems.memory.keywords import Keywords
from systems.memory.schema import INSERT, SavedTurn, prepare

MEMORY_FILE = "memory.sqlite"
"""The name of the memory file in the data folder of every built-in system."""


def past_turns(keywords: Keywords, session: str, texts: Iterable[str]) -> Iterator[SavedTurn]:
    """Yield what a user said, ``texts``, as turns of one session, a second apart.

    They have no answers, and so are part of no history (`keeping.turns`): what they tell was said in earlier
    conversations, is found, and stands in no prompt as if it had been said in this one.
    """
    for number, text in enumerate(texts):
        yield SavedTurn(
            session=session, question=text, answer="", keywords=tuple(keywords.extract(text)), created=float(number)
        )


def fill(data_dir: Path, session: str, texts: Iterable[str]) -> None:
    """Write ``texts``, a second apart, as turns of ``session`` into a new memory file of ``data_dir``.

    The table alone: a system that wants an index makes it when it opens the file. Raises `sqlite3.Error`.
    """
    keywords = Keywords(fast=True)
    keywords.load()
    with closing(sqlite3.connect(data_dir / MEMORY_FILE)) as connection, connection:
        prepare(connection)
        turns = past_turns(keywords, session, texts)
        connection.executemany(INSERT, (turn.row(cut=True) for turn in turns))
