"""A memory file of somebody who has talked before: ``python -m experiments.workloads.lived FILE SESSION COUNT SEED``.

It is made by a process of its own, so that what cuts its texts into words is not in the memory of who uses it.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from experiments.workloads.conversations import sentences
from experiments.workloads.planted import planted
from systems.memory.keywords import Keywords
from systems.memory.schema import INSERT, prepare


def make(path: Path, session: str, count: int, seed: int) -> None:
    """Write ``count`` turns of ``session`` to a new file, which a system opens as its own. Raises `CalledProcessError`.

    The table alone: whoever wants an index makes it when the file is opened.
    """
    arguments = [str(path), session, str(count), str(seed)]
    subprocess.run([sys.executable, "-m", __name__, *arguments], check=True)


def main() -> None:
    """Write the file that the command line names."""
    path, session, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    keywords = Keywords(fast=True)
    keywords.load()
    turns = planted(keywords, islice(sentences(seed), count))
    with closing(sqlite3.connect(path)) as connection, connection:
        prepare(connection)
        connection.executemany(INSERT, (msgspec.structs.replace(turn, session=session).row() for turn in turns))


if __name__ == "__main__":
    main()
