"""Warming the page cache from inside: the files that a cold trial finds on the disk alone, read to the end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from experiments.measuring.limits.page_cache import parsed_dictionaries, shared_files


def read(model_path: str | None, packages: Iterable[str]) -> int:
    """Read the model, llama.cpp's libraries, and the files of ``packages``; return how many bytes those were.

    Their pages are charged to whoever reads them first, so this is done by the trial's own process.
    """
    paths = [*parsed_dictionaries(Path(os.environ["FOURGIG_JIEBA_CACHE"])), *shared_files(packages)]
    return sum(map(_read, [*paths, Path(model_path)] if model_path else paths))


def _read(path: Path) -> int:
    buffer = bytearray(2**20)
    with path.open("rb", buffering=0) as file:
        return sum(iter(lambda: file.readinto(buffer) or 0, 0))
