"""What a way of enforcing a profile must do.

A `Backend` is asked whether it can work here (`availability`). It opens one `RunGroup` a run, which makes one
`TrialGroup` a trial. Role processes join a trial's group before their interpreter starts (`TrialGroup.command`
wraps their argument list), so that every byte they touch is charged to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec

from experiments.measuring.limits.room import Room
from experiments.measuring.profiles import Profile


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a backend can enforce a profile on this machine; if not, why and what would mend it."""

    backend: str
    usable: bool
    reason: str
    remedy: str = ""


class GroupMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's own count of a group's memory, in bytes, told apart. None: this backend cannot know.

    ``anonymous_bytes`` is heap and stacks; ``file_bytes`` is page cache, a mapped model included;
    ``refaults`` counts pages that had to be read again because the limit had pushed them out.
    ``oom_kills`` counts its processes that the kernel killed for want of memory, anybody's; ``limit_ooms`` how often
    the group itself could not be kept inside its own limit.
    It leaves out kernel memory that no process mapped, and pages first touched by another group.
    """

    current_bytes: int | None = None
    peak_bytes: int | None = None
    anonymous_bytes: int | None = None
    file_bytes: int | None = None
    refaults: int | None = None
    oom_kills: int | None = None
    limit_ooms: int | None = None


class TrialGroup(ABC):
    """The confined home of one trial's subject (and of a separate engine).

    ``is_apart``: it holds the trial's processes and no others, so that what it counts is the trial's.
    """

    is_apart: ClassVar[bool] = True

    @property
    def members_file(self) -> str | None:
        """The file in which the kernel lists all its processes; None where there is none, or none with a text name."""
        return None

    @abstractmethod
    def command(self, argv: list[str]) -> list[str]:
        """Return ``argv`` wrapped so that the process is inside the limits before it executes ``argv``."""

    @abstractmethod
    def memory(self) -> GroupMemory:
        """Read the group's memory now."""

    @abstractmethod
    def cpu_seconds(self) -> float | None:
        """Return the processor time all members used so far, or None where the backend cannot know."""

    @abstractmethod
    def pressure(self) -> dict[str, float] | None:
        """Return stall time so far in seconds, by "resource.kind" such as "memory.some"; None if unknown."""

    @abstractmethod
    def pids(self) -> list[int]:
        """Return the processes now in the group."""

    @abstractmethod
    def remove(self) -> None:
        """Kill what is still inside, wait until it is gone, and remove the group. Safe to call twice."""


class RunGroup(ABC):
    """The parent of every trial's group in one run."""

    @abstractmethod
    def trial(self, name: str) -> TrialGroup:
        """Make a fresh group for one trial."""

    @abstractmethod
    def clean_up_paths(self) -> list[str]:
        """Return the directories the janitor must empty of processes and remove if the runner dies."""

    @abstractmethod
    def close(self) -> None:
        """Remove the parent and whatever is left under it. Safe to call twice."""


class Backend(ABC):
    """One way of enforcing a profile."""

    name: ClassVar[str]
    enforced: ClassVar[bool] = True

    @abstractmethod
    def availability(self, profile: Profile) -> Availability:
        """Say whether this machine can enforce ``profile`` this way; leaves nothing behind."""

    @abstractmethod
    def room(self) -> Room:
        """Return what is there for the groups it would make."""

    @abstractmethod
    def open_run(self, run_id: str, profile: Profile) -> RunGroup:
        """Make the parent group of a run. Raises `experiments.errors.CannotEnforce`."""
