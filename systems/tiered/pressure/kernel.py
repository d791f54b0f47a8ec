"""What the kernel says of memory pressure: a group's events in cgroup v1, its stall information in v2.

Both tell of pages that had to be looked for, so both come late where nothing but anonymous memory grows: until the
limit is reached nothing is looked for.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol, cast

from systems.mechanisms.memory_in_use import groups

Level = Literal[0, 1, 2, 3]
"""None, low, medium, critical."""

_NAMES = ("low", "medium", "critical")
# Of the time since the last look, how much at least one task stood still for want of memory: the shares at which
# systemd-oomd and its like speak of pressure lie between these.
_SOME = (0.02, 0.10, 0.30)


class KernelPressure(Protocol):
    """Tells how hard memory is pressed."""

    def level(self, at_s: float) -> Level:
        """Return the highest level since the last call; ``at_s`` is the moment, in seconds on any clock."""

    def close(self) -> None:
        """Stop listening."""


def kernel_pressure(root: Path = Path("/")) -> KernelPressure | None:
    """Return what this process's own group tells, or None where it tells nothing.

    The whole machine's stalls (``/proc/pressure``) are left out: there a neighbour's shortage looks like ours.
    """
    for group in groups(root):
        if group.version == 2 and (group.directory / "memory.pressure").exists():
            return Stalls(group.directory / "memory.pressure")
        if group.version == 1 and (group.directory / "memory.pressure_level").exists():
            with suppress(OSError):  # no right to register: as if there were none
                return KernelEvents(group.directory)
    return None


class KernelEvents:
    """The events of a group in cgroup v1, one counter a level. Raises OSError where they cannot be registered."""

    def __init__(self, directory: Path) -> None:
        self._counters: list[int] = []
        watched = os.open(directory / "memory.pressure_level", os.O_RDONLY | os.O_CLOEXEC)
        try:
            control = os.open(directory / "cgroup.event_control", os.O_WRONLY | os.O_CLOEXEC)
            try:
                for name in _NAMES:
                    counter = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                    self._counters.append(counter)
                    os.write(control, f"{counter} {watched} {name},local".encode())
            finally:
                os.close(control)
        except OSError:
            self.close()
            raise
        finally:
            os.close(watched)

    def level(self, at_s: float) -> Level:  # noqa: ARG002 - the protocol's
        """Return the highest level with an event since the last call."""
        highest: Level = 0
        for number, counter in enumerate(self._counters, 1):
            with suppress(BlockingIOError):  # no event
                os.eventfd_read(counter)
                highest = cast("Level", number)
        return highest

    def close(self) -> None:
        """Stop listening."""
        for counter in self._counters:
            os.close(counter)
        self._counters.clear()


class Stalls:
    """The stall information (PSI) of a group in cgroup v2: how long some task stood still for want of memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[float, int] | None = None

    def level(self, at_s: float) -> Level:
        """Return the level of the share stood still since the last call."""
        stalled = self._stalled_us()
        last, self._last = self._last, (at_s, stalled)
        if last is None or at_s <= last[0]:
            return 0
        share = (stalled - last[1]) / 1e6 / (at_s - last[0])
        return cast("Level", sum(share >= least for least in _SOME))

    def _stalled_us(self) -> int:
        try:
            text = self._path.read_text()
        except OSError:  # switched off while we run
            return 0
        fields = text.partition("\n")[0].split()
        return next((int(each.removeprefix("total=")) for each in fields if each.startswith("total=")), 0)

    def close(self) -> None:
        """Nothing is held."""
