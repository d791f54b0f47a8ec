"""What stands behind a profile: the memory and processors that a trial can really get on this machine.

A limit gives nothing: a trial limited to two processors on a machine that lets it use one has one.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from experiments.measuring.limits.kernel import PAGE, Kernel, gibibytes
from experiments.measuring.profiles import Profile

Resource = Literal["memory", "processors"]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What is there where a backend makes its groups; None: not limited, or not known.

    ``machine_bytes`` is the machine's memory, ``limit_bytes`` the tightest limit on it that already holds there;
    ``processors`` may be used (affinity, cpusets), for as much time as ``quota`` processors have.
    """

    machine_bytes: int | None = None
    limit_bytes: int | None = None
    processors: int
    quota: float | None = None


def room_under(
    kernel: Kernel, limit_bytes: int | None, quota: float | None, cpuset: frozenset[int] = frozenset()
) -> Room:
    """Return the room on this machine under those limits; an empty ``cpuset`` takes no processor away."""
    allowed = kernel.processors()
    return Room(
        machine_bytes=kernel.memory_bytes(),
        limit_bytes=limit_bytes,
        processors=len(allowed & cpuset or allowed),
        quota=quota,
    )


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """Less than a profile promises: a clause for every table of trials that had no more, and what would mend it."""

    resource: Resource
    found: str
    remedy: str


def shortages(profile: Profile, room: Room) -> tuple[Shortage, ...]:
    """Return what of the profile is not there."""
    return (*_memory(profile, room), *_processors(profile, room))


def _memory(profile: Profile, room: Room) -> list[Shortage]:
    size = gibibytes(profile.memory_bytes)
    # A machine with no more than the profile gives out before the limit does; a limit may equal the profile's.
    if room.machine_bytes is not None and room.machine_bytes <= profile.memory_bytes:
        found = f"the machine has {gibibytes(room.machine_bytes)} of memory for a profile of {size}"
        return [Shortage(resource="memory", found=found, remedy="use a larger machine or a smaller profile")]
    if room.limit_bytes is not None and room.limit_bytes // PAGE < profile.memory_bytes // PAGE:
        found = f"everything here is already limited to {gibibytes(room.limit_bytes)} of memory, the profile has {size}"
        return [Shortage(resource="memory", found=found, remedy="loosen the enclosing limit, or use a smaller profile")]
    return []


def _processors(profile: Profile, room: Room) -> list[Shortage]:
    if room.processors < profile.cpus:
        found = f"only {room.processors} of the profile's {profile.cpus} processors may be used"
        remedy = "let it use more (taskset and cpusets take processors away), or use a larger machine"
        return [Shortage(resource="processors", found=found, remedy=remedy)]
    if room.quota is not None and room.quota < profile.cpus:
        found = f"everything here already has a quota of {room.quota:g} of the profile's {profile.cpus} processors"
        return [Shortage(resource="processors", found=found, remedy="loosen the enclosing quota of processor time")]
    return []
