"""An enclosing limit that already equals the profile: a container started with ``--memory`` and ``--cpus``.

Nothing can be made inside it, so the trial shares the limit with the harness and with whatever else the container
runs: the trial has a little less than the profile, and the counts include the others. Every record made this way
says ``enclosing``. The counters are differences since the trial began; the peak is only known where the kernel lets
it be reset.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v1 import V1Reader, enclosing_cpus, enclosing_limit
from experiments.measuring.limits.cgroup_v2 import V2Reader
from experiments.measuring.limits.interface import Availability, Backend, GroupMemory, RunGroup, TrialGroup
from experiments.measuring.limits.kernel import PAGE, Kernel, checked_name, gibibytes, limit
from experiments.measuring.limits.room import Room, room_under
from experiments.measuring.profiles import Profile


class _Reader(Protocol):
    def memory(self) -> GroupMemory: ...
    def cpu_seconds(self) -> float | None: ...
    def pressure(self) -> dict[str, float] | None: ...


class _Limits(msgspec.Struct, frozen=True):
    memory_bytes: int | None
    swap_bytes: int | None
    cpus: float | None
    reader: _Reader
    peak: Path | None


class Enclosing(Backend):
    """The limit this process is already under."""

    name: ClassVar[str] = "enclosing"

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel or Kernel()

    def availability(self, profile: Profile) -> Availability:
        """Say whether the limits that apply to this process are the profile's."""
        found = self._limits()
        reason, remedy = "no limit that applies to us can be seen", ""
        if found is not None:
            reason, remedy = self._differs(found, profile)
        usable = not reason
        return Availability(
            backend=self.name,
            usable=usable,
            reason=reason or "the limit we are already under equals the profile; the harness shares it",
            remedy=remedy,
        )

    def room(self) -> Room:
        """Return what this process has."""
        found = self._limits()
        if found is None:
            return room_under(self.kernel, None, None)
        return room_under(self.kernel, found.memory_bytes, found.cpus)

    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Return a group that makes nothing. Raises `CannotEnforce`."""
        checked_name(run_id)
        found = self._limits()
        if found is None or self._differs(found, profile)[0]:
            raise CannotEnforce("The limit we are already under is not the profile's.")
        return _Run(self.kernel, found)

    def _differs(self, found: _Limits, profile: Profile) -> tuple[str, str]:
        start = f"docker run --memory {profile.memory_bytes} --memory-swap {profile.memory_bytes + profile.swap_bytes}"
        remedy = f"start the container with `{start} --cpus {profile.cpus}`"
        if found.memory_bytes is None:
            return "no memory limit applies to us", remedy
        if found.memory_bytes // PAGE != profile.memory_bytes // PAGE:
            return f"the memory limit we are under is {gibibytes(found.memory_bytes)}, not the profile's", remedy
        allowed = len(self.kernel.processors())
        cpus = min(found.cpus or allowed, allowed)
        if cpus > profile.cpus:
            return f"we may use {cpus:g} processors, the profile has {profile.cpus}", remedy
        swap = self.kernel.swap_bytes() if found.swap_bytes is None else found.swap_bytes
        if min(swap, self.kernel.swap_bytes()) > profile.swap_bytes:
            return "we may use more swap than the profile has", remedy
        return "", ""

    def _limits(self) -> _Limits | None:
        kernel = self.kernel
        unified = kernel.unified()
        if unified and (unified[1] / "memory.current").exists():
            top, own = unified
            reader = V2Reader(kernel, own, V2Reader(kernel, own).limited_by(top))
            return _Limits(reader.limit(top), reader.swap_limit(top), reader.cpus(top), reader, own / "memory.peak")
        hierarchy = kernel.hierarchy("memory")
        if hierarchy is None:
            return None
        own = hierarchy[1]
        accounting = kernel.hierarchy("cpuacct")
        memory = enclosing_limit(kernel)
        both = limit(kernel.text(own / "memory.memsw.limit_in_bytes"))
        return _Limits(
            memory,
            both - memory if both is not None and memory is not None else None,
            enclosing_cpus(kernel),
            V1Reader(kernel, own, accounting and accounting[1]),
            own / "memory.max_usage_in_bytes",
        )


def usable_memory(kernel: Kernel | None = None) -> int | None:
    """Return the bytes of memory this process may use: the machine's, or less if a limit says so; None if unknown.

    For an agent that is run for real. A trial has its profile's.
    """
    enclosing = Enclosing(kernel)
    found = enclosing._limits()
    sizes = [found.memory_bytes if found else None, enclosing.kernel.memory_bytes()]
    return min((size for size in sizes if size is not None), default=None)


def available_memory(kernel: Kernel | None = None) -> int | None:
    """Return the bytes of memory to be had just now: what the machine can spare, or less if a limit says so."""
    enclosing = Enclosing(kernel)
    found = enclosing._limits()
    sizes = [found.memory_bytes if found else None, enclosing.kernel.available_bytes()]
    return min((size for size in sizes if size is not None), default=None)


def memory_used(kernel: Kernel | None = None) -> Callable[[], float] | None:
    """Return what tells the share of the usable memory that is taken, from 0 to 1; None where nothing can.

    Under a limit, what the group's processes hold of their own: page cache gives way. Without one, what the machine
    cannot spare.
    """
    enclosing = Enclosing(kernel)
    found, machine = enclosing._limits(), enclosing.kernel.memory_bytes()
    if machine is None:
        return None
    if found is not None and found.memory_bytes is not None and found.memory_bytes < machine:
        return partial(_held, found.reader, found.memory_bytes)
    return partial(_not_available, enclosing.kernel, machine)


def _held(reader: _Reader, limit: int) -> float:
    return (reader.memory().anonymous_bytes or 0) / limit


def _not_available(kernel: Kernel, machine: int) -> float:
    return 1 - (kernel.available_bytes() or machine) / machine


class _Run(RunGroup):
    def __init__(self, kernel: Kernel, limits: _Limits) -> None:
        self._kernel = kernel
        self._limits = limits

    def trial(self, name: str) -> TrialGroup:
        checked_name(name)
        return _Trial(self._kernel, self._limits)

    def clean_up_paths(self) -> list[str]:
        return []

    def close(self) -> None:
        return


class _Trial(TrialGroup):
    """Its members cannot be told from the harness: the runner keeps their pids and ends them."""

    is_apart: ClassVar[bool] = False

    def __init__(self, kernel: Kernel, limits: _Limits) -> None:
        self._reader = limits.reader
        self._peak_is_ours = _reset(kernel, limits.peak)
        self._memory = self._reader.memory()
        self._cpu_seconds = self._reader.cpu_seconds()
        self._pressure = self._reader.pressure() or {}

    def command(self, argv: list[str]) -> list[str]:
        # Out of memory, the kernel should take the trial and leave the harness that records it.
        script = 'echo 1000 2>/dev/null > /proc/self/oom_score_adj; exec "$@"'
        return ["/bin/sh", "-c", script, "fourgig-join", *argv]

    def memory(self) -> GroupMemory:
        now = self._reader.memory()
        return msgspec.structs.replace(
            now,
            peak_bytes=now.peak_bytes if self._peak_is_ours else None,
            refaults=_since(now.refaults, self._memory.refaults),
            oom_kills=_since(now.oom_kills, self._memory.oom_kills),
            limit_ooms=_since(now.limit_ooms, self._memory.limit_ooms),
        )

    def cpu_seconds(self) -> float | None:
        now = self._reader.cpu_seconds()
        return None if now is None else now - (self._cpu_seconds or 0.0)

    def pressure(self) -> dict[str, float] | None:
        now = self._reader.pressure()
        return now and {name: value - self._pressure.get(name, 0.0) for name, value in now.items()}

    def pids(self) -> list[int]:
        return []

    def remove(self) -> None:
        return


def _since(now: int | None, before: int | None) -> int | None:
    return None if now is None else now - (before or 0)


def _reset(kernel: Kernel, peak: Path | None) -> bool:
    """Set the group's recorded peak back to its present use; say whether that is so.

    On v2 (Linux 6.12) a reset holds only for the file descriptor it was written through, so it is not used.
    """
    if peak is None or peak.name == "memory.peak":
        return False
    try:
        kernel.write(peak, "0")
    except OSError:
        return False
    return True
