"""Whose limit a process was killed at, when the kernel killed it for want of memory.

The kernel counts a kill in the group of whoever died, whether that group had met its own limit, or an enclosing one,
or the whole machine was out of memory. Only the first says anything of the profile.
"""

from __future__ import annotations

import msgspec

from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.limits.kernel import gibibytes
from experiments.measuring.profiles import Profile

# Without a count of the limit's own events, the peak tells: a group that dies at its limit has been within a few
# pages of it, which the kernel hands to each processor in advance.
_AT_THE_LIMIT = 0.95


class Kill(msgspec.Struct, frozen=True):
    """What a kill says. ``at_its_limit``: the profile's limit was the reason, and no other."""

    at_its_limit: bool
    reason: str


def of(held: GroupMemory, profile: Profile) -> Kill | None:
    """Return what killed a group that was limited to ``profile``; None where the kernel killed nobody."""
    if not held.oom_kills:
        return None
    limit = f"{profile.memory_bytes / 2**30:g} GiB ({profile.name})"
    if _met(held, profile):
        return Kill(at_its_limit=True, reason=f"the kernel killed it at the limit of {limit}")
    peak = "" if held.peak_bytes is None else f", and held at most {gibibytes(held.peak_bytes)}"
    return Kill(
        at_its_limit=False,
        reason=(
            "the kernel killed it because an enclosing group or the whole machine was out of memory: "
            f"it was not out of memory at its own limit of {limit}{peak}"
        ),
    )


def _met(held: GroupMemory, profile: Profile) -> bool:
    if held.limit_ooms is not None:
        return held.limit_ooms > 0
    return held.peak_bytes is None or held.peak_bytes >= _AT_THE_LIMIT * profile.memory_bytes
