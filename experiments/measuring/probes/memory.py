"""A process's own memory, as the kernel counts it."""

from __future__ import annotations

import time
from collections.abc import Iterable
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


def anonymous_bytes() -> int:
    """Return this process's anonymous memory (heap and stacks), from the kernel's running count: microseconds."""
    return _kilobytes(Path("/proc/self/status"))["RssAnon"] * 1024


def tree(pids: Iterable[int]) -> tuple[int, int]:
    """Return the proportional and the plain resident bytes of several processes; one that has ended counts nothing."""
    pss = rss = 0
    for pid in pids:
        try:
            one = sample(pid)
        except (FileNotFoundError, ProcessLookupError, PermissionError, KeyError):
            continue
        pss += one.pss_bytes
        rss += one.rss_bytes
    return pss, rss


def _kilobytes(path: Path) -> dict[str, int]:
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value.split()[0])
    return found
