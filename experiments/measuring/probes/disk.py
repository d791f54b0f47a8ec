"""What processes have had read from the disk, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def read_bytes(pids: Iterable[int]) -> int | None:
    """Return the bytes that processes made the disk deliver so far; None where the kernel counts none of them.

    What a process that has ended had read is in its parent's count once that has waited for it. What was found in the
    page cache costs nothing; a page of a mapped file counts each time it is read again.
    """
    found = [count for pid in pids if (count := _read_bytes(pid)) is not None]
    return sum(found) if found else None


def _read_bytes(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.partition(":")[2]) for line in lines if line.startswith("read_bytes:")), None)
