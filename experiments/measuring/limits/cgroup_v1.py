"""Limits through the memory and cpu hierarchies of cgroup v1, which older distributions still mount."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec

from experiments.errors import CannotEnforce
from experiments.measuring.limits.interface import Availability, Backend, GroupMemory, RunGroup, TrialGroup
from experiments.measuring.limits.kernel import (
    Kernel,
    as_text,
    checked_name,
    gibibytes,
    joining,
    limit,
    tightest,
    up_to,
)
from experiments.measuring.limits.room import Room, room_under
from experiments.measuring.profiles import Profile

PERIOD_US = 100_000  # the kernel's own default period


class V1Reader:
    """Reads one group's own files: ``memory`` and, where it is mounted, ``accounting`` (cpuacct)."""

    def __init__(self, kernel: Kernel, memory: Path, accounting: Path | None) -> None:
        self.kernel = kernel
        self._memory = memory
        self._accounting = accounting

    def memory(self) -> GroupMemory:
        """Read the memory files; the ``total_`` lines count the groups below as well."""
        kernel, directory = self.kernel, self._memory
        stat = kernel.table(directory / "memory.stat")
        refaults = [value for name, value in stat.items() if name.startswith("total_workingset_refault")]
        return GroupMemory(
            current_bytes=kernel.number(directory / "memory.usage_in_bytes"),
            peak_bytes=kernel.number(directory / "memory.max_usage_in_bytes"),
            anonymous_bytes=stat.get("total_rss"),
            file_bytes=stat.get("total_cache"),
            refaults=sum(refaults) if refaults else None,
            # memory.failcnt would count every time a full page cache met the limit, which kills no one; and where
            # swap is limited as well, newer kernels do not count there at all.
            oom_kills=kernel.table(directory / "memory.oom_control").get("oom_kill"),
        )

    def cpu_seconds(self) -> float | None:
        """Read the processor time used."""
        if self._accounting is None:
            return None
        used = self.kernel.number(self._accounting / "cpuacct.usage")
        return None if used is None else used / 1e9

    def pressure(self) -> dict[str, float] | None:
        """Return None: cgroup v1 does not keep stall time by group."""
        return None


class CgroupV1(Backend):
    """A group of our own in each hierarchy, below the one we are in; one below it for each trial."""

    name: ClassVar[str] = "cgroup-v1"

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel or Kernel()

    def availability(self, profile: Profile) -> Availability:
        """Say whether both hierarchies are mounted, writable and loose enough."""
        reason, remedy = self._obstacle(profile)
        usable = not reason
        return Availability(
            backend=self.name,
            usable=usable,
            reason=reason or "can make groups in the memory and cpu hierarchies",
            remedy=remedy,
        )

    def room(self) -> Room:
        """Return what is there below the group we are in."""
        return room_under(self.kernel, enclosing_limit(self.kernel), enclosing_cpus(self.kernel))

    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Make ``fourgig-<run_id>`` in every hierarchy. Raises `CannotEnforce`."""
        reason, _ = self._obstacle(profile)
        if reason:
            raise CannotEnforce(f"cgroup v1 cannot be used: {reason}.")
        homes = {}
        for controller in ("memory", "cpu", "cpuacct"):
            visible = self.kernel.hierarchy(controller)
            if visible and self._manageable(visible[1]):
                homes[controller] = visible[1]
        return _Run(self.kernel, homes, f"fourgig-{checked_name(run_id)}", profile)

    def _obstacle(self, profile: Profile) -> tuple[str, str]:
        kernel = self.kernel
        memory, cpu = kernel.hierarchy("memory"), kernel.hierarchy("cpu")
        if memory is None or cpu is None:
            missing = ", ".join(name for name, found in (("memory", memory), ("cpu", cpu)) if found is None)
            return f"cgroup v1 does not show us these hierarchies: {missing}", ""
        if not all(self._manageable(own) for _, own in (memory, cpu)):
            return "the cgroup v1 hierarchies may not be written", "run it as root"
        if not (cpu[1] / "cpu.cfs_quota_us").exists():
            return "this kernel cannot limit processor time", ""
        above = enclosing_limit(kernel)
        if above is not None and above <= profile.memory_bytes:
            return (
                f"everything here is already limited to {gibibytes(above)}, "
                f"which leaves no room for {gibibytes(profile.memory_bytes)} and the harness beside it"
            ), "loosen the enclosing limit, or choose a smaller profile"
        if kernel.swap_bytes() and not (memory[1] / "memory.memsw.limit_in_bytes").exists():
            return "swap is in use and this kernel does not account for it", "turn swap off with `swapoff -a`"
        return "", ""

    def _manageable(self, directory: Path) -> bool:
        return self.kernel.may_write(directory)


def enclosing_limit(kernel: Kernel) -> int | None:
    """Return the memory limit that applies to this process already, or None."""
    visible = kernel.hierarchy("memory")
    if visible is None:
        return None
    top, own = visible
    # The statistics know of groups above what a container sees.
    hierarchical = limit(str(kernel.table(own / "memory.stat").get("hierarchical_memory_limit", "")))
    seen = tightest(limit(kernel.text(each / "memory.limit_in_bytes")) for each in up_to(top, own))
    return tightest(iter((hierarchical, seen)))


def enclosing_cpus(kernel: Kernel) -> float | None:
    """Return the processor limit that applies to this process already, or None."""
    visible = kernel.hierarchy("cpu")
    if visible is None:
        return None
    found = []
    for each in up_to(*visible):
        quota, period = kernel.number(each / "cpu.cfs_quota_us"), kernel.number(each / "cpu.cfs_period_us")
        if quota is not None and quota > 0 and period:
            found.append(quota / period)
    return min(found, default=None)


class _Run(RunGroup):
    def __init__(self, kernel: Kernel, homes: dict[str, Path], name: str, profile: Profile) -> None:
        self._kernel = kernel
        self._profile = profile
        self._directories = {controller: home / name for controller, home in homes.items()}
        self._unique = list(dict.fromkeys(self._directories.values()))
        made: list[Path] = []
        try:
            for directory in self._unique:
                kernel.make_group(directory)
                made.append(directory)
            hierarchical = self._directories["memory"] / "memory.use_hierarchy"
            if kernel.number(hierarchical) == 0:
                kernel.set_limit(hierarchical, "1")
        except CannotEnforce:
            kernel.remove_groups(made)
            raise

    def trial(self, name: str) -> TrialGroup:
        below = {controller: each / checked_name(name) for controller, each in self._directories.items()}
        return _Trial(self._kernel, below, self._profile)

    def clean_up_paths(self) -> list[str]:
        return [str(directory) for directory in self._unique]

    def close(self) -> None:
        self._kernel.remove_groups(self._unique)


class _OutOfMemory:
    """Counts how often a group was out of memory, be it at its own limit or at one above it.

    The kernel keeps no such number on v1, but tells whoever asks for the event. It tells nobody when the whole machine
    is out of memory.
    """

    def __init__(self, kernel: Kernel, directory: Path) -> None:
        self._count = 0
        self._event: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            control = os.open(directory / "memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
            try:
                kernel.write(directory / "cgroup.event_control", f"{self._event} {control}")
            finally:
                os.close(control)
        except OSError:  # such as in a real-time kernel, which has no such events
            self.close()

    def count(self) -> int | None:
        """Return the number so far; None where the kernel does not tell."""
        if self._event is None:
            return None
        with suppress(BlockingIOError):  # nothing happened since the last reading
            self._count += os.eventfd_read(self._event)
        return self._count

    def close(self) -> None:
        """Ask no longer. Safe to call twice."""
        event, self._event = self._event, None
        if event is not None:
            os.close(event)


class _Trial(V1Reader, TrialGroup):
    def __init__(self, kernel: Kernel, directories: dict[str, Path], profile: Profile) -> None:
        memory, cpu = directories["memory"], directories["cpu"]
        super().__init__(kernel, memory, directories.get("cpuacct"))
        self._out_of_memory: tuple[_OutOfMemory, ...] = ()
        self._unique = list(dict.fromkeys(directories.values()))
        made: list[Path] = []
        try:
            for directory in self._unique:
                kernel.make_group(directory)
                made.append(directory)
            kernel.set_limit(memory / "memory.limit_in_bytes", str(profile.memory_bytes))
            with_swap = memory / "memory.memsw.limit_in_bytes"
            if with_swap.exists():
                kernel.set_limit(with_swap, str(profile.memory_bytes + profile.swap_bytes))
            kernel.set_limit(cpu / "cpu.cfs_period_us", str(PERIOD_US))
            # The kernel takes no quota larger than that of a group above; that trials get less then is told elsewhere.
            cpus = min(profile.cpus, enclosing_cpus(kernel) or profile.cpus)
            kernel.set_limit(cpu / "cpu.cfs_quota_us", str(int(cpus * PERIOD_US)))
        except CannotEnforce:
            kernel.remove_groups(made)
            raise
        self._out_of_memory = (_OutOfMemory(kernel, memory), _OutOfMemory(kernel, memory.parent))

    def memory(self) -> GroupMemory:
        """Read the memory files, and tell what happened at the trial's limit from what happened at one above it."""
        found = super().memory()
        if found.oom_kills is None:
            return found
        here, above = (each.count() for each in self._out_of_memory)
        # The run's group has no limit: what it is told happened further up, and the trial's was told the same.
        ours = None if here is None or above is None else here - above
        return msgspec.structs.replace(found, limit_ooms=ours)

    def command(self, argv: list[str]) -> list[str]:
        return joining(self._unique, argv)

    @property
    def members_file(self) -> str | None:
        return as_text(self._memory / "cgroup.procs")

    def pids(self) -> list[int]:
        return self.kernel.members(self._memory)

    def remove(self) -> None:
        for each in self._out_of_memory:
            each.close()
        self.kernel.remove_groups(self._unique)
