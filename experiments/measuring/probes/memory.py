"""One process's memory, as the kernel counts it."""

from __future__ import annotations

import time
from pathlib import Path

from experiments.measuring.records import MemorySample


def sample(pid: int | str = "self") -> MemorySample:
    """Return the memory of one process now: one walk over its page tables, some milliseconds for a large one."""
    fields = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))
    rss, anonymous = fields["Rss"] * 1024, fields["Anonymous"] * 1024
    return MemorySample(
        at_s=time.monotonic(),
        rss_bytes=rss,
        pss_bytes=fields["Pss"] * 1024,
        anonymous_bytes=anonymous,
        file_bytes=rss - anonymous,
    )


def proportional(pid: int) -> MemorySample:
    """Return one process's part of the memory of several: of a page that n processes share, an n-th.

    Kernels before 5.4 do not tell how much of that part is anonymous: then neither kind is known. Raises OSError or
    KeyError where the process has ended or may not be read.
    """
    fields = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))
    pss = fields["Pss"] * 1024
    anonymous = fields["Pss_Anon"] * 1024 if "Pss_Anon" in fields else None
    return MemorySample(
        at_s=time.monotonic(),
        rss_bytes=fields["Rss"] * 1024,
        pss_bytes=pss,
        anonymous_bytes=anonymous,
        file_bytes=None if anonymous is None else pss - anonymous,
    )


def anonymous_bytes(pid: int | str = "self") -> int:
    """Return a process's anonymous memory (heap and stacks), from the kernel's running count: microseconds."""
    return _kilobytes(Path(f"/proc/{pid}/status"))["RssAnon"] * 1024


def peak_bytes(pid: int | str = "self") -> int:
    """Return the most resident memory a process had since it began its program, files included."""
    return _kilobytes(Path(f"/proc/{pid}/status"))["VmHWM"] * 1024


def _kilobytes(path: Path) -> dict[str, int]:
    found = {}
    for line in path.read_text("utf-8", "replace").split("\n"):  # a process may call itself anything
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value.split()[0])
    return found
