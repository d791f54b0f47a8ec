"""Limits through a cgroup v2 subtree that this process may manage: root's, or one that systemd delegated."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec

from experiments.errors import CannotEnforce
from experiments.invocation import program
from experiments.measuring.limits.interface import Availability, Backend, GroupMemory, RunGroup, TrialGroup
from experiments.measuring.limits.kernel import (
    Kernel,
    as_text,
    checked_name,
    gibibytes,
    joining,
    limit,
    listed,
    shown,
    tightest,
    up_to,
)
from experiments.measuring.limits.room import Room, room_under
from experiments.measuring.profiles import Profile

CONTROLLERS = frozenset({"memory", "cpu"})
PERIOD_US = 100_000  # the kernel's own default period
_MOVING_ROUNDS = 10
HARNESS_LEAF = "fourgig-harness"


def delegated() -> str:
    """Return the command that starts this program in a scope of its own, to which systemd hands the controllers."""
    return f"systemd-run --user --scope -p Delegate=yes {program()} …"


class _Place(msgspec.Struct, frozen=True):
    """Where a run's group can be made. ``enable``: these controllers must first be handed to children there.

    ``move``: and our processes must first leave for a leaf, because the kernel lets a group other than the root
    either hold processes or hand memory and processor time to its children.
    """

    parent: Path
    enable: tuple[str, ...] = ()
    move: bool = False


class V2Reader:
    """Reads one group's own files; also serves the backends that have someone else make the group.

    ``limited`` is the group that carries the limit, where that is one above.
    """

    def __init__(self, kernel: Kernel, directory: Path, limited: Path | None = None) -> None:
        self.kernel = kernel
        self.directory = directory
        self._limited = limited or directory

    def memory(self) -> GroupMemory:
        """Read the memory files. ``memory.peak`` came with Linux 5.19."""
        kernel, directory = self.kernel, self.directory
        stat = kernel.table(directory / "memory.stat")
        refaults = [value for name, value in stat.items() if name.startswith("workingset_refault")]
        return GroupMemory(
            current_bytes=kernel.number(directory / "memory.current"),
            peak_bytes=kernel.number(directory / "memory.peak"),
            anonymous_bytes=stat.get("anon"),
            file_bytes=stat.get("file"),
            refaults=sum(refaults) if refaults else None,
            oom_kills=kernel.table(directory / "memory.events").get("oom_kill"),
            limit_ooms=self._limit_ooms(),
        )

    def _limit_ooms(self) -> int | None:
        """Return how often the limit could not be kept: the kernel counts that in the group whose limit it was.

        In ``memory.events`` those of the groups below count too; Linux 5.2 and later tell them apart.
        """
        own = self.kernel.table(self._limited / "memory.events.local")
        return (own or self.kernel.table(self._limited / "memory.events")).get("oom")

    def cpu_seconds(self) -> float | None:
        """Read the processor time used."""
        used = self.kernel.table(self.directory / "cpu.stat").get("usage_usec")
        return None if used is None else used / 1e6

    def pressure(self) -> dict[str, float] | None:
        """Read the stall totals; absent where the kernel was built or started without them."""
        found = {}
        for resource in ("memory", "cpu", "io"):
            for line in (self.kernel.text(self.directory / f"{resource}.pressure") or "").splitlines():
                kind, _, rest = line.partition(" ")
                total = rest.rpartition("total=")[2]
                if total.isdigit():
                    found[f"{resource}.{kind}"] = int(total) / 1e6
        return found or None

    def limit(self, top: Path) -> int | None:
        """Return the tightest memory limit of this group and those above it, as far as ``top``."""
        return tightest(limit(self.kernel.text(each / "memory.max")) for each in up_to(top, self.directory))

    def limited_by(self, top: Path) -> Path:
        """Return the group that carries that limit; its own where there is none."""
        found = {each: limit(self.kernel.text(each / "memory.max")) for each in up_to(top, self.directory)}
        limits = {each: size for each, size in found.items() if size is not None}
        return min(limits, key=lambda each: limits[each], default=self.directory)

    def cpus(self, top: Path) -> float | None:
        """Return the tightest processor limit of this group and those above it, as far as ``top``."""
        found = []
        for each in up_to(top, self.directory):
            quota, _, period = (self.kernel.text(each / "cpu.max") or "max").strip().partition(" ")
            if quota.isdigit() and period.isdigit():
                found.append(int(quota) / int(period))
        return min(found, default=None)

    def room(self, top: Path) -> Room:
        """Return what is there for a group below this one."""
        cpuset = listed(self.kernel.text(self.directory / "cpuset.cpus.effective") or "")
        return room_under(self.kernel, self.limit(top), self.cpus(top), cpuset)

    def swap_limit(self, top: Path) -> int | None:
        """Return the tightest swap limit of this group and those above it, as far as ``top``."""
        return tightest(limit(self.kernel.text(each / "memory.swap.max")) for each in up_to(top, self.directory))


class CgroupV2(Backend):
    """A group of our own in the unified hierarchy, one below it for each trial."""

    name: ClassVar[str] = "cgroup-v2"

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel or Kernel()

    def availability(self, profile: Profile) -> Availability:
        """Say whether there is a place for our groups and room for the profile in it."""
        found = self._place(profile)
        if isinstance(found, _Place):
            return Availability(backend=self.name, usable=True, reason=f"can make groups in {shown(found.parent)}")
        return Availability(backend=self.name, usable=False, reason=found[0], remedy=found[1])

    def room(self) -> Room:
        """Return what is there where the groups are made."""
        visible = self.kernel.unified()
        if visible is None:
            return room_under(self.kernel, None, None)
        place = self._find(*visible)
        return V2Reader(self.kernel, place.parent if place else visible[1]).room(visible[0])

    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Make ``fourgig-<run_id>``. Raises `CannotEnforce`."""
        found = self._place(profile)
        if not isinstance(found, _Place):
            raise CannotEnforce(f"cgroup v2 cannot be used: {found[0]}.")
        return _Run(self.kernel, found, f"fourgig-{checked_name(run_id)}", profile)

    def _place(self, profile: Profile) -> _Place | tuple[str, str]:
        kernel = self.kernel
        visible = kernel.unified()
        if visible is None:
            return "no cgroup v2 hierarchy is visible here", ""
        top, own = visible
        if not self._controllers(top, "controllers") >= CONTROLLERS:
            missing = ", ".join(sorted(CONTROLLERS - self._controllers(top, "controllers")))
            return f"cgroup v2 is mounted without these controllers: {missing}", ""
        place = self._find(top, own)
        if place is None:
            return "no part of the cgroup v2 tree with the memory and cpu controllers is ours to manage", (
                f"start it as `{delegated()}`, or as root"
            )
        above = V2Reader(kernel, place.parent).limit(top)
        if above is not None and above <= profile.memory_bytes:
            return (
                f"everything here is already limited to {gibibytes(above)}, "
                f"which leaves no room for {gibibytes(profile.memory_bytes)} and the harness beside it"
            ), "loosen the enclosing limit, or choose a smaller profile"
        if kernel.swap_bytes() and place.parent != top and not (place.parent / "memory.swap.max").exists():
            return "swap is in use and this kernel does not account for it", "turn swap off with `swapoff -a`"
        return place

    def _find(self, top: Path, own: Path) -> _Place | None:
        home = own.parent if own.name == HARNESS_LEAF and own != top else own
        # Root may manage the whole tree, and the top never changes; anyone else only what was delegated to them,
        # which is where they were started.
        for parent in reversed([*up_to(top, home)]) if self.kernel.is_superuser() else [home]:
            if not self._manageable(parent):
                continue
            missing = self._missing(parent)
            is_root = not (parent / "cgroup.events").exists()
            if not missing or is_root or not self.kernel.members(parent):
                return _Place(parent, enable=missing)
        return _Place(home, enable=self._missing(home), move=True) if self._manageable(home) else None

    def _manageable(self, parent: Path) -> bool:
        writable = (parent, parent / "cgroup.procs", parent / "cgroup.subtree_control")
        return self._controllers(parent, "controllers") >= CONTROLLERS and all(map(self.kernel.may_write, writable))

    def _missing(self, parent: Path) -> tuple[str, ...]:
        return tuple(sorted(CONTROLLERS - self._controllers(parent, "subtree_control")))

    def _controllers(self, directory: Path, which: str) -> set[str]:
        return set((self.kernel.text(directory / f"cgroup.{which}") or "").split())


class _Run(RunGroup):
    def __init__(self, kernel: Kernel, place: _Place, name: str, profile: Profile) -> None:
        self._kernel = kernel
        self._place = place
        self._profile = profile
        self._directory = place.parent / name
        self._leaf = place.parent / HARNESS_LEAF
        try:
            if place.move:
                self._move_out()
            if place.enable:
                kernel.set_limit(place.parent / "cgroup.subtree_control", _each("+", place.enable))
            kernel.make_group(self._directory)
        except CannotEnforce:
            self._put_back()  # and not close: a group of that name may be another run's
            raise
        try:
            kernel.set_limit(self._directory / "cgroup.subtree_control", _each("+", CONTROLLERS))
        except CannotEnforce:
            self.close()
            raise

    def trial(self, name: str) -> TrialGroup:
        return _Trial(self._kernel, self._directory / checked_name(name), self._profile)

    def clean_up_paths(self) -> list[str]:
        return [str(self._directory)]

    def close(self) -> None:
        self._kernel.remove_groups([self._directory])
        self._put_back()

    def _put_back(self) -> None:
        # This fails while another run started from the same place goes on; then all stays for that run.
        with suppress(OSError, CannotEnforce):
            if self._place.enable:
                control = self._place.parent / "cgroup.subtree_control"
                self._kernel.write(control, _each("-", self._place.enable))
            if self._place.move and self._leaf.is_dir():
                self._move(self._leaf, self._place.parent)
                self._kernel.remove_empty(self._leaf)

    def _move_out(self) -> None:
        if not self._leaf.is_dir():  # a run that was killed leaves it, with the shell that had started it inside
            self._kernel.make_group(self._leaf)
        try:
            self._move(self._place.parent, self._leaf)
        except OSError as error:
            raise CannotEnforce(
                f"Cannot move this process into a control group of its own: {error.strerror}."
            ) from error

    def _move(self, source: Path, target: Path) -> None:
        """Move every process; repeated, because a process may fork while its siblings are moved."""
        for _ in range(_MOVING_ROUNDS):
            members = [pid for pid in self._kernel.members(source) if pid]  # 0: of another pid namespace
            if not members:
                return
            for pid in members:
                with suppress(ProcessLookupError):
                    self._kernel.write(target / "cgroup.procs", str(pid))


def _each(sign: str, controllers: Iterable[str]) -> str:
    return " ".join(f"{sign}{controller}" for controller in sorted(controllers))


class _Trial(V2Reader, TrialGroup):
    def __init__(self, kernel: Kernel, directory: Path, profile: Profile) -> None:
        super().__init__(kernel, directory)
        kernel.make_group(directory)
        try:
            kernel.set_limit(directory / "memory.max", str(profile.memory_bytes))
            if (directory / "memory.swap.max").exists():
                kernel.set_limit(directory / "memory.swap.max", str(profile.swap_bytes))
            if (directory / "memory.oom.group").exists():
                # All of a trial dies at once and visibly; half a trial would look like a slow one.
                kernel.set_limit(directory / "memory.oom.group", "1")
            kernel.set_limit(directory / "cpu.max", f"{profile.cpus * PERIOD_US} {PERIOD_US}")
        except CannotEnforce:
            self.remove()
            raise

    def command(self, argv: list[str]) -> list[str]:
        return joining([self.directory], argv)

    @property
    def members_file(self) -> str | None:
        return as_text(self.directory / "cgroup.procs")

    def pids(self) -> list[int]:
        return self.kernel.members(self.directory)

    def remove(self) -> None:
        self.kernel.remove_groups([self.directory])
