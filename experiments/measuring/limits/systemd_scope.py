"""Limits through transient systemd scopes, for an unprivileged user whose systemd manager answers.

A trial's processes are several and start at different times, a scope is made for one. So every process gets a scope,
and the scopes of one trial share a slice that carries the limits.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v2 import CONTROLLERS, V2Reader
from experiments.measuring.limits.interface import Availability, Backend, RunGroup, TrialGroup
from experiments.measuring.limits.kernel import Kernel, checked_name, gibibytes, shown, tree
from experiments.measuring.limits.room import Room, room_under
from experiments.measuring.profiles import Profile

Run = Callable[[list[str]], tuple[int, str]]
_ANSWER_TIMEOUT_S = 20


def run_command(argv: list[str]) -> tuple[int, str]:
    """Run ``argv``; return its status and what it said. A missing program is status 127."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_ANSWER_TIMEOUT_S, check=False)
    except FileNotFoundError:
        return 127, f"{argv[0]} is not installed"
    except subprocess.TimeoutExpired:
        return 124, f"{argv[0]} does not answer"
    return done.returncode, os.fsdecode(done.stdout or done.stderr).strip()


class SystemdScope(Backend):
    """A slice for each trial, made by the user's systemd manager, or by the system's for root."""

    name: ClassVar[str] = "systemd-scope"

    def __init__(self, kernel: Kernel | None = None, run: Run = run_command) -> None:
        self.kernel = kernel or Kernel()
        self.run = run

    def availability(self, profile: Profile) -> Availability:
        """Say whether a manager answers and holds the memory and cpu controllers of cgroup v2."""
        reason, remedy = self._obstacle(profile)
        usable = not reason
        return Availability(
            backend=self.name,
            usable=usable,
            reason=reason or f"the {self._whose} systemd manager makes scopes",
            remedy=remedy,
        )

    def room(self) -> Room:
        """Return what is there for the manager's slices."""
        visible = self.kernel.unified()
        if visible is None:
            return room_under(self.kernel, None, None)
        return V2Reader(self.kernel, self.directory("-.slice")).room(visible[0])

    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Start the slice ``fourgig-<run_id>``. Raises `CannotEnforce`."""
        reason, _ = self._obstacle(profile)
        if reason:
            raise CannotEnforce(f"A systemd scope cannot be used: {reason}.")
        return _Run(self, run_id, profile)

    @property
    def manager(self) -> list[str]:
        """The option that selects the manager."""
        return [] if self.kernel.is_superuser() else ["--user"]

    @property
    def _whose(self) -> str:
        return "system's" if self.kernel.is_superuser() else "user's"

    def systemctl(self, *arguments: str) -> str:
        """Ask the manager. Raises `CannotEnforce`."""
        status, said = self.run(["systemctl", *self.manager, *arguments])
        if status:
            first = said.splitlines()[0] if said else f"status {status}"
            raise CannotEnforce(f"systemd refused `systemctl {arguments[0]}`: {shown(first)}.")
        return said

    def directory(self, unit: str) -> Path:
        """Return the control group of an active unit. Raises `CannotEnforce`."""
        said = self.systemctl("show", "--property=ControlGroup", "--", unit)
        group = said.partition("ControlGroup=")[2].strip()
        visible = self.kernel.unified()
        if visible is None or not group:
            raise CannotEnforce(f"systemd gave {unit} no control group that can be seen from here.")
        return visible[0] / group.lstrip("/")

    def end(self, unit: str, directory: Path) -> None:
        """Kill what is in the slice, then have systemd remove it: it waits in vain for a group others removed."""
        self.kernel.empty_groups([directory])
        with suppress(CannotEnforce):
            self.systemctl("stop", unit)

    def _obstacle(self, profile: Profile) -> tuple[str, str]:
        status, said = self.run(["systemctl", *self.manager, "is-system-running"])
        # "degraded" also has a non-zero status, and works.
        if said not in ("running", "degraded", "starting"):
            shortened = said.splitlines()[0] if said else f"status {status}"
            remedy = "" if self.kernel.is_superuser() else "log in through a session with a user manager"
            return f"the {self._whose} systemd manager does not answer ({shown(shortened)})", remedy
        if self.kernel.unified() is None:
            return "no cgroup v2 hierarchy is visible here", ""
        try:
            root = self.directory("-.slice")
        except CannotEnforce as error:
            return str(error).rstrip("."), ""
        present = set((self.kernel.text(root / "cgroup.controllers") or "").split())
        if not present >= CONTROLLERS:
            missing = ", ".join(sorted(CONTROLLERS - present))
            return f"the {self._whose} systemd manager was not given these controllers: {missing}", (
                "as root, set `Delegate=cpu memory pids` for user@.service and log in again"
            )
        visible = self.kernel.unified()
        above = V2Reader(self.kernel, root).limit(visible[0]) if visible else None
        if above is not None and above <= profile.memory_bytes:
            return f"everything here is already limited to {gibibytes(above)}", "choose a smaller profile"
        return "", ""


class _Run(RunGroup):
    def __init__(self, systemd: SystemdScope, run_id: str, profile: Profile) -> None:
        self._systemd = systemd
        self._profile = profile
        self._trials: list[_Trial] = []
        # A dash nests slices: fourgig-run-trial.slice lies inside fourgig-run.slice.
        self._stem = f"fourgig-{_undashed(run_id)}"
        self._unit = f"{self._stem}.slice"
        systemd.systemctl("start", self._unit)
        self._directory = systemd.directory(self._unit)
        if any(systemd.kernel.members(each) for each in tree(self._directory)):
            raise CannotEnforce(f"{self._unit} exists and holds processes: another run is using it.")

    def trial(self, name: str) -> TrialGroup:
        trial = _Trial(self._systemd, f"{self._stem}-{_undashed(name)}.slice", self._profile)
        self._trials.append(trial)
        return trial

    def clean_up_paths(self) -> list[str]:
        return [str(self._directory)]

    def close(self) -> None:
        for trial in self._trials:
            trial.remove()
        self._systemd.end(self._unit, self._directory)


class _Trial(V2Reader, TrialGroup):
    def __init__(self, systemd: SystemdScope, unit: str, profile: Profile) -> None:
        self._systemd = systemd
        self._unit = unit
        systemd.systemctl(
            "set-property",
            "--runtime",
            unit,
            f"MemoryMax={profile.memory_bytes}",
            f"MemorySwapMax={profile.swap_bytes}",
            f"CPUQuota={profile.cpus * 100}%",
        )
        systemd.systemctl("start", unit)
        super().__init__(systemd.kernel, systemd.directory(unit))
        set_to = self.kernel.number(self.directory / "memory.max")
        if set_to is None or set_to > profile.memory_bytes:
            self.remove()
            raise CannotEnforce(f"systemd started {unit} without its memory limit.")

    def command(self, argv: list[str]) -> list[str]:
        scope = ["systemd-run", *self._systemd.manager, "--scope", "--quiet", "--collect"]
        # All of a trial dies at once and visibly. systemd has no word for that on a slice, and undoes it whenever
        # it starts something inside; so every process says it anew.
        script = 'echo 1 2>/dev/null > "$1"; shift; exec "$@"'
        together = ["/bin/sh", "-c", script, "fourgig-join", str(self.directory / "memory.oom.group")]
        return [*scope, f"--slice={self._unit}", "--", *together, *argv]

    def pids(self) -> list[int]:
        return [pid for each in sorted(tree(self.directory)) for pid in self.kernel.members(each)]

    def remove(self) -> None:
        self._systemd.end(self._unit, self.directory)
        with suppress(CannotEnforce):
            self._systemd.systemctl("revert", self._unit)  # or set-property leaves a file behind until the next boot


def _undashed(name: str) -> str:
    return checked_name(name).replace("-", "_")
