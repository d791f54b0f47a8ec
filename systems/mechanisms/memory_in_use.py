"""How much memory is in use, and how much may be, seen from inside the process.

What counts is what the kernel cannot take back: anonymous and shared memory. The page cache, a mapped model's pages
above all, always fills a group to its limit, and goes when room is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

Source = Literal["group", "process"]

_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as the largest number that is a whole page


class Reading(NamedTuple):
    """Memory in use and the limit, in bytes; ``source`` is whose: the control group's, or this process's alone."""

    used: int
    limit: int
    source: Source

    @property
    def share(self) -> float:
        """How much of the limit is in use; 1 is all of it."""
        return self.used / self.limit


class Meter:
    """Reads this process's memory against ``limit_bytes``, its control groups' limits, or the machine's memory.

    Where a group has a limit, everything in that group counts, and of groups inside one another the one with the
    least room. Where none has, this process alone counts, without its children, against ``limit_bytes`` or all memory
    of the machine. ``root`` is where ``/proc`` and ``/sys`` are found; tests give a recorded tree.
    """

    def __init__(self, limit_bytes: int | None = None, root: Path = Path("/")) -> None:
        self._limit = limit_bytes
        self._root = root
        self._groups = [(group, found) for group in groups(root) if (found := group.limit()) is not None]
        self._physical = _physical_bytes(root)

    def read(self) -> Reading:
        """Return what is in use now. Reads two or three small files of the kernel, which takes under a millisecond."""
        readings = [
            Reading(used, min(limit, self._limit or limit), "group")
            for group, limit in self._groups
            if (used := group.used()) is not None
        ]
        if readings:
            return max(readings, key=lambda each: each.share)
        return Reading(process_bytes(self._root), self._limit or self._physical, "process")


class Group(NamedTuple):
    """A memory control group's directory, and the version of its interface."""

    directory: Path
    version: Literal[1, 2]

    def limit(self) -> int | None:
        """Return its limit in bytes, None where it has none."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        found = _number(_text(self.directory / name))
        return None if found is None or not 0 < found < _UNLIMITED else found

    def used(self) -> int | None:
        """Return the bytes that the kernel cannot take back from it and the groups below; None if they are not told."""
        table = _table(self.directory / "memory.stat")
        if self.version == 1:
            return table["total_rss"] + table.get("total_shmem", 0) if "total_rss" in table else None
        if "anon" not in table:
            return None
        # Page tables and the kernel's stacks count against the limit and cannot be taken back; "kernel" has them all.
        kernel = max(0, table.get("kernel", 0) - table.get("slab_reclaimable", 0))
        return table["anon"] + table.get("shmem", 0) + kernel


def groups(root: Path = Path("/")) -> list[Group]:
    """Return the memory groups that this process is in, from its own up to the topmost visible one."""
    members = _memberships(root)
    found = []
    for mounted, point, kind, options in _mounts(root):
        version: Literal[1, 2]
        if kind == "cgroup2":
            member, version = members.get(""), 2
        elif kind == "cgroup" and "memory" in options:
            member, version = members.get("memory"), 1
        else:
            continue
        if member is None:
            continue
        try:
            below = PurePosixPath(member).relative_to(mounted)
        except ValueError:
            # A container sees its own group as the mount's root, while the kernel names it from outside.
            below = PurePosixPath()
        if ".." in below.parts:
            continue
        top = root / point.lstrip("/")
        found += [Group(top / each, version) for each in (below, *below.parents) if (top / each).is_dir()]
    return found


def process_bytes(root: Path = Path("/")) -> int:
    """Return this process's anonymous and shared memory in bytes; where the system does not tell them apart, all."""
    status = _text(root / "proc/self/status") or ""
    parts = dict(line.split(":", 1) for line in status.split("\n") if ":" in line)
    if "RssAnon" in parts:
        return sum(int(parts.get(name, "0").split()[0]) for name in ("RssAnon", "RssShmem")) * 1024
    import psutil  # only where the kernel is not Linux

    return int(psutil.Process().memory_info().rss)


def _physical_bytes(root: Path) -> int:
    for line in (_text(root / "proc/meminfo") or "").split("\n"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    import psutil  # as above

    return int(psutil.virtual_memory().total)


def _memberships(root: Path) -> dict[str, str]:
    lines = (_text(root / "proc/self/cgroup") or "").split("\n")
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    return {controller: path for _, controllers, path in parts for controller in controllers.split(",")}


def _mounts(root: Path) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    for line in (_text(root / "proc/self/mountinfo") or "").split("\n"):
        before, _, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 6 and len(right) >= 3:
            yield left[3], left[4], right[0], frozenset(right[2].split(","))


def _table(path: Path) -> dict[str, int]:
    pairs = (line.partition(" ") for line in (_text(path) or "").split("\n"))
    return {name: number for name, _, value in pairs if (number := _number(value)) is not None}


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return os.fsdecode(path.read_bytes())
    except OSError:
        return None
