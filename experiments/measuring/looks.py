"""What the runner sees of a trial from outside at one moment, with the part of each process."""

from __future__ import annotations

from typing import Literal

import msgspec

from experiments.measuring.limits.interface import GroupMemory

SERVING, SERVED = "serving", "served"
"""The looks before the first request of a client and after its last: the work between them is that of the load."""


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """One of a trial's processes at one moment: bytes, and processor seconds since it began.

    ``anonymous_bytes``, ``file_bytes`` and ``pss_bytes`` are proportional: of a page that several processes share each
    holds its part. ``name`` is that of the command, as the kernel keeps it (15 characters). Kernels before 5.4 do not
    tell anonymous memory apart in that part: then the first two are None.
    """

    name: str
    anonymous_bytes: int | None
    file_bytes: int | None
    pss_bytes: int
    rss_bytes: int
    cpu_seconds: float


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A trial from outside at one moment, ``at_s`` on the machine's monotonic clock.

    ``counted`` says what ``cpu_seconds`` and ``processes`` cover: the "group" of the trial, which counts everything
    inside the limits; or, where a backend has no group of the trial's own, the "tree", the processes that the runner
    started inside the limits and their descendants. ``memory`` is what the backend says of the group.
    """

    at_s: float
    counted: Literal["group", "tree"]
    memory: GroupMemory
    cpu_seconds: float | None
    tree_pss_bytes: int
    tree_rss_bytes: int
    processes: tuple[ProcessUse, ...]
