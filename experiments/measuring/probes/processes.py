"""Several processes together: which ones belong to a process, what they hold, how much processor time they used.

A process that has ended counts nothing of its memory; its processor time is its parent's once that has waited for it.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from experiments.measuring.looks import ProcessUse
from experiments.measuring.probes import memory
from experiments.measuring.records import MemorySample

_ANY_CHILD = 0x40000000  # __WALL: children of any kind, also those that tell their end by another signal
_TICKS = os.sysconf("SC_CLK_TCK")


class Seen(msgspec.Struct, frozen=True):
    """A process as the kernel lists it. Its number may be given again; with ``started`` (in ticks) it may not."""

    pid: int
    parent: int
    session: int
    started: int


def every() -> Iterator[Seen]:
    """Yield every process of the machine, also those that have ended and that nobody has waited for."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed, and this is read often
        if name.isdigit() and (fields := _stat(int(name))):
            yield Seen(int(name), int(fields[1]), int(fields[3]), int(fields[19]))


def descendants(root: int) -> list[int]:
    """Return the processes that ``root`` started, and those they started, as long as their parents live.

    One walk over /proc: some ten microseconds for each process of the machine.
    """
    return sorted(seen.pid for seen in below([root], every()))


def below(roots: Iterable[int], seen: Iterable[Seen]) -> list[Seen]:
    """Return those of the processes ``seen`` that the ``roots`` started, and those they started."""
    children: dict[int, list[Seen]] = {}
    for each in seen:
        children.setdefault(each.parent, []).append(each)
    found: list[Seen] = []
    waiting = list(roots)
    while waiting:
        started = children.get(waiting.pop(), [])
        found += started
        waiting += (each.pid for each in started)
    return found


def end_descendants() -> None:
    """Kill whatever this process started, directly or not, and wait for it; what may not be killed is left.

    Its processor time is then known as this process's, and not taken for that of somebody else's program.
    """
    while has_children():
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            except PermissionError:  # it has another owner, and may run for ever
                return
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def has_children() -> bool:
    """Return whether this process has any child, ended ones included: one question to the kernel, no file."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _ANY_CHILD)
    except ChildProcessError:
        return False
    return True


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of the children it has waited for, in steps of a hundredth."""
    fields = _stat(pid)
    # user and system time, then the same of the children that were waited for: fields 14 to 17 of proc(5)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def waited_for_seconds() -> float:
    """Return the processor time of all that this process has waited for, and of what those had waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def uses(pids: Iterable[int]) -> tuple[ProcessUse, ...]:
    """Return what each process holds and used, the largest first; one that has ended is not among them."""
    found = []
    for pid in pids:
        with suppress(OSError, KeyError):
            held = memory.proportional(pid)
            found.append(
                ProcessUse(
                    name=Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip(),
                    anonymous_bytes=held.anonymous_bytes,
                    file_bytes=held.file_bytes,
                    pss_bytes=held.pss_bytes,
                    rss_bytes=held.rss_bytes,
                    cpu_seconds=cpu_seconds(pid),
                )
            )
    return tuple(sorted(found, key=lambda use: (-use.pss_bytes, use.name)))


def together(parts: Iterable[int | None]) -> int | None:
    """Return the sum of what several processes hold; None where one of them is not known."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


class Inside:
    """The processes that share a trial's limits, read by one of them.

    ``members`` is the file in which the kernel lists them, where this process may read it; without it they are this
    process and its descendants, and ``others``, which the runner started inside the limits, with theirs. A process that
    is alone is read as it always was, so that its figures are those of one process.
    """

    def __init__(self, members: str | None = None, others: Sequence[int] = ()) -> None:
        self._members, self._others = members, others

    def pids(self) -> list[int]:
        """Return every process, this one included."""
        if self._members is not None:
            with suppress(OSError):
                return [int(line) for line in Path(self._members).read_text().split()]
        own = os.getpid()
        if not self._others and not has_children():
            return [own]
        roots = [own, *self._others]
        return sorted({*roots, *(pid for root in roots for pid in descendants(root))})

    def alone(self) -> bool:
        """Return whether this process is the only one: microseconds."""
        return not self._others and not has_children()

    def anonymous_bytes(self) -> int | None:
        """Return the anonymous memory of all: microseconds where there is one process.

        Of several it is the proportional part of each, so that pages shared after a fork count once; None where the
        kernel does not tell that.
        """
        parts = () if self.alone() else uses(self.pids())
        return together(part.anonymous_bytes for part in parts) if len(parts) > 1 else memory.anonymous_bytes()

    def sample(self) -> MemorySample:
        """Return the memory of all now; of several, with the part of each (`memory.proportional`)."""
        parts = () if self.alone() else uses(self.pids())
        if len(parts) <= 1:  # children that have ended, and were not waited for, hold nothing
            return memory.sample()
        return MemorySample(
            at_s=time.monotonic(),
            rss_bytes=sum(use.rss_bytes for use in parts),
            pss_bytes=sum(use.pss_bytes for use in parts),
            anonymous_bytes=together(use.anonymous_bytes for use in parts),
            file_bytes=together(use.file_bytes for use in parts),
            processes=parts,
        )


def _stat(pid: int) -> list[str]:
    """Return the fields of a process from its state on (the third of proc(5)); none where it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
