"""What a trial's processes printed: the last words of one, and the whole of those that ended badly, kept for a person.

What a subject prints is anybody's text: characters that a terminal obeys are replaced before anyone is shown it. What
is kept names no folder of this machine, as nothing else in a run folder does.
"""

from __future__ import annotations

import os
from pathlib import Path

from experiments.measuring.published import published
from experiments.printable import printable

KEPT_BYTES = 256 * 1024
"""The most that is kept of what one process printed: its end."""

_LAST_WORDS_BYTES = 64 * 1024  # a subject may print gigabytes; its last line is near their end
_LAST_WORDS = 500
_LONGEST = 2000  # what a record says of a trial may quote the last words of several processes


def readable(text: str) -> str:
    """Return anybody's text as one line for a record: shortened, without what a terminal obeys or no file can hold."""
    return printable(" ".join(text[:_LONGEST].split()))


def last_words(path: Path) -> str:
    """Return the last line of a log that says anything, shortened; empty where there is none."""
    lines = [line for line in _end(path, _LAST_WORDS_BYTES).splitlines() if line.strip()]
    return lines[-1].strip()[:_LAST_WORDS] if lines else ""


def keep(folder: Path, artifacts: Path, key: str) -> dict[str, str]:
    """Keep the end of every log in ``folder`` among the ``artifacts`` of the trial ``key``.

    Returns the files by process, relative to the run folder. Raises OSError where they cannot be written.
    """
    kept = {}
    for log in sorted(folder.glob("*.log")):
        if text := _end(log, KEPT_BYTES):
            path = artifacts / f"{key}-{log.name}"
            path.write_text(_without_home(published(text, trial=folder)), "utf-8")
            kept[log.stem] = f"{artifacts.name}/{path.name}"
    return kept


def _without_home(text: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none
    return text if home in ("/", "~") else text.replace(f"{home}/", "~/")


def _end(path: Path, most: int) -> str:
    """Return the end of a log without what a terminal obeys; a line that was written over counts as several."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - most))
        text = file.read(most).decode("utf-8", "replace")
    return printable(text)
