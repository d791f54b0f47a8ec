"""Recorded conversations with questions and evidence, in published formats, read from files of your own.

One module a format. What they have in common is an `Archive`: turns, and questions with the turns that hold the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.workloads.archives import locomo, longmemeval, parsing, plain
from experiments.workloads.archives.interface import Archive
from systems.errors import BadInput

_FORMATS: dict[str, Callable[[list[Any]], list[Archive]]] = {
    "LoCoMo": locomo.read,
    "LongMemEval": longmemeval.read,
    "turns and questions": plain.read,
}


def read(path: Path) -> list[Archive]:
    """Return the archives in ``path``, whose format is recognised. Raises `BadInput`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        entries = parsing.entries(data)
    except BadInput as error:
        raise BadInput(f"{path} is in no known format: {error}.") from error
    reasons = []
    for name, reader in _FORMATS.items():
        try:
            found = reader(entries)
        except BadInput as error:
            reasons.append(f"not {name} ({error})")
            continue
        if not any(archive.turns for archive in found):
            raise BadInput(f"{path} looks like {name}, but nobody says anything in it.")
        return found
    raise BadInput(f"{path} is in no known format: {'; '.join(reasons)}.")
