"""No limits at all: what a run uses when it was allowed to go on unenforced. Every record made so says it."""

from __future__ import annotations

from typing import ClassVar

from experiments.measuring.limits.enclosing import Enclosing
from experiments.measuring.limits.interface import Availability, Backend, GroupMemory, RunGroup, TrialGroup
from experiments.measuring.limits.kernel import Kernel, checked_name
from experiments.measuring.limits.room import Room
from experiments.measuring.profiles import Profile


class Unenforced(Backend):
    """Starts processes as they are. The runner keeps their pids and ends them."""

    name: ClassVar[str] = "none"
    enforced: ClassVar[bool] = False

    def __init__(self, kernel: Kernel | None = None) -> None:
        self._kernel = kernel

    def availability(self, profile: Profile) -> Availability:
        """Say that this always works and enforces nothing."""
        return Availability(backend=self.name, usable=True, reason=f"the profile {profile.name} is not enforced at all")

    def room(self) -> Room:
        """Return what this process has."""
        return Enclosing(self._kernel).room()

    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Return a group that makes nothing."""
        del profile
        checked_name(run_id)
        return _Run()


class _Run(RunGroup):
    def trial(self, name: str) -> TrialGroup:
        checked_name(name)
        return _Trial()

    def clean_up_paths(self) -> list[str]:
        return []

    def close(self) -> None:
        return


class _Trial(TrialGroup):
    is_apart: ClassVar[bool] = False

    def command(self, argv: list[str]) -> list[str]:
        return list(argv)

    def memory(self) -> GroupMemory:
        return GroupMemory()

    def cpu_seconds(self) -> float | None:
        return None

    def pressure(self) -> dict[str, float] | None:
        return None

    def pids(self) -> list[int]:
        return []

    def remove(self) -> None:
        return
