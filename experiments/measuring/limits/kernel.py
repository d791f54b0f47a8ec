"""The kernel's files, with a root that tests can replace by a recorded tree."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from experiments.errors import CannotEnforce
from systems.errors import BadInput

JOIN_FAILED = 125
"""The exit status of a wrapped command that could not enter its group; nothing of it ran."""

JOIN_FAILED_WORDS = "Cannot enter the control group."
"""What it says then, by which it is told from a command that ended with the same status."""
PAGE = 4096
"""Bytes: the kernel rounds a limit down to whole pages."""

_EMPTYING_TIMEOUT_S = 10.0
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UNLIMITED = 1 << 60  # v1 writes "no limit" as the largest page-aligned number


class Mount(msgspec.Struct, frozen=True):
    """One line of mountinfo: which part of a file system (``root``) is seen at ``point``."""

    root: str
    point: str
    kind: str
    options: frozenset[str]


class Kernel:
    """Reads and writes the files under ``/proc`` and ``/sys``; ``root`` is where those two are found."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def at(self, absolute: str) -> Path:
        """Return where the absolute path lies under this kernel's root."""
        return self.root / absolute.lstrip("/")

    def text(self, path: Path) -> str | None:
        """Return the file's text, or None when it is absent or may not be read.

        Names in it may be any bytes: what is not UTF-8 becomes what a path is made of that leads there again.
        """
        try:
            return os.fsdecode(path.read_bytes())
        except OSError:
            return None

    def number(self, path: Path) -> int | None:
        """Return the file's single number, or None when it is absent or not a number ("max")."""
        return _integer(self.text(path) or "")

    def table(self, path: Path) -> dict[str, int]:
        """Return a file of "name number" lines as a mapping, empty when it is absent."""
        found = {}
        for line in (self.text(path) or "").split("\n"):
            name, _, value = line.partition(" ")
            number = _integer(value)
            if number is not None:
                found[name] = number
        return found

    def write(self, path: Path, text: str) -> None:
        """Write ``text`` into an existing file of the kernel. Raises OSError."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, os.fsencode(text))
        finally:
            os.close(descriptor)

    def may_write(self, path: Path) -> bool:
        """Say whether this process may write there (a directory: create in it)."""
        return os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0), effective_ids=True)

    def is_superuser(self) -> bool:
        """Say whether this process has root's rights."""
        return os.geteuid() == 0

    def mounts(self) -> list[Mount]:
        """Return every mount this process sees."""
        found = []
        for line in (self.text(self.at("/proc/self/mountinfo")) or "").split("\n"):
            before, separator, after = line.partition(" - ")
            left, right = before.split(" "), after.split(" ")
            if separator and len(left) >= 6 and len(right) >= 3:
                options = frozenset(right[2].split(","))
                found.append(Mount(_unescape(left[3]), _unescape(left[4]), right[0], options))
        return found

    def memberships(self) -> dict[str, str]:
        """Return this process's control group by controller; the unified hierarchy is ``""``."""
        found = {}
        for line in (self.text(self.at("/proc/self/cgroup")) or "").split("\n"):
            parts = line.split(":", 2)
            if len(parts) == 3:
                for controller in parts[1].split(","):
                    found[controller] = parts[2]
        return found

    def unified(self) -> tuple[Path, Path] | None:
        """Return where cgroup v2 is mounted and this process's own directory in it, if both are visible."""
        for mount in self.mounts():
            if mount.kind == "cgroup2":
                return self._own(mount, self.memberships().get(""))
        return None

    def hierarchy(self, controller: str) -> tuple[Path, Path] | None:
        """Return where cgroup v1 has ``controller`` mounted and this process's own directory in it."""
        for mount in self.mounts():
            if mount.kind == "cgroup" and controller in mount.options:
                return self._own(mount, self.memberships().get(controller))
        return None

    def _own(self, mount: Mount, membership: str | None) -> tuple[Path, Path] | None:
        if membership is None:
            return None
        point = self.at(mount.point)
        try:
            below = PurePosixPath(membership).relative_to(mount.root)
        except ValueError:
            return None  # what is mounted is another part of the tree than the one we are in
        if ".." in below.parts:
            return None
        own = point / below
        return (point, own) if own.is_dir() else None

    def processors(self) -> frozenset[int]:
        """Return the numbers of the processors this process may run on: those of its affinity that are switched on."""
        for line in (self.text(self.at("/proc/self/status")) or "").split("\n"):
            if line.startswith("Cpus_allowed_list:"):
                allowed = listed(line.partition(":")[2])
                on = listed(self.text(self.at("/sys/devices/system/cpu/online")) or "")
                return allowed & on or allowed
        return frozenset(os.sched_getaffinity(0))

    def swap_bytes(self) -> int:
        """Return the size of all active swap areas."""
        lines = (self.text(self.at("/proc/swaps")) or "").split("\n")[1:]
        return sum(int(line.split()[2]) * 1024 for line in lines if len(line.split()) > 2)

    def memory_bytes(self) -> int | None:
        """Return the machine's physical memory."""
        return self._meminfo("MemTotal:")

    def available_bytes(self) -> int | None:
        """Return how much memory the machine can still give without swapping, as the kernel estimates it."""
        return self._meminfo("MemAvailable:")

    def oom_kills(self) -> int:
        """Return how many processes of the machine the kernel has killed for want of memory, in whatever group."""
        return self.table(self.at("/proc/vmstat")).get("oom_kill", 0)

    def _meminfo(self, name: str) -> int | None:
        for line in (self.text(self.at("/proc/meminfo")) or "").split("\n"):
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        return None

    def make_group(self, directory: Path) -> None:
        """Make the control group. Raises `CannotEnforce`, also when another run still uses that name."""
        try:
            directory.mkdir()
        except FileExistsError:
            if any(self.members(each) for each in tree(directory)):
                raise CannotEnforce(
                    f"A control group named {directory.name} exists and holds processes: another run is using it."
                ) from None
            self.remove_groups([directory])
            self.make_group(directory)
        except OSError as error:
            raise CannotEnforce(f"Cannot make the control group {shown(directory)}: {error.strerror}.") from error

    def members(self, directory: Path) -> list[int]:
        """Return the processes in that group itself, none when it is gone."""
        return [int(line) for line in (self.text(directory / "cgroup.procs") or "").split()]

    def set_limit(self, path: Path, text: str) -> None:
        """Write one limit. Raises `CannotEnforce`."""
        try:
            self.write(path, text)
        except OSError as error:
            raise CannotEnforce(f"The kernel refused {path.name} = {text}: {error.strerror}.") from error

    def remove_empty(self, directory: Path) -> None:
        """Remove a group that holds nothing. Raises OSError when it does."""
        directory.rmdir()

    def remove_groups(self, directories: list[Path]) -> None:
        """Kill everything in these groups and below, wait until all is gone, then remove them."""
        self._until(directories, self._removed)

    def empty_groups(self, directories: list[Path]) -> None:
        """Kill everything in these groups and below and wait until all is gone; someone else removes them."""
        self._until(directories, self._emptied)

    def _until(self, directories: list[Path], done: Callable[[list[Path]], bool]) -> None:
        deadline = time.monotonic() + _EMPTYING_TIMEOUT_S
        while not done(everything := [each for directory in directories for each in tree(directory)]):
            if time.monotonic() > deadline:
                left = [pid for each in everything for pid in self.members(each)]
                raise CannotEnforce(f"The control group {directories[0].name} cannot be emptied; still there: {left}.")
            time.sleep(0.005)

    def _emptied(self, everything: list[Path]) -> bool:
        for directory in everything:
            self._kill(directory)
        return not any(self.members(directory) for directory in everything)

    def _removed(self, everything: list[Path]) -> bool:
        self._emptied(everything)
        done = True
        for directory in everything:
            try:
                directory.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                done = False
        return done

    def _kill(self, directory: Path) -> None:
        try:
            self.write(directory / "cgroup.kill", "1")  # since Linux 5.14, v2 only; no fork can escape it
        except OSError:
            for pid in self.members(directory):
                with suppress(OSError):  # it ended meanwhile, or it is not ours: then the deadline tells
                    os.kill(pid, signal.SIGKILL)


def tree(directory: Path) -> Iterator[Path]:
    """Yield the groups below ``directory``, deepest first, and itself last; nothing when it is gone."""
    for path, _, _ in os.walk(directory, topdown=False):
        yield Path(path)


def checked_name(name: str) -> str:
    """Return ``name`` if it may be part of a directory's name. Raises `BadInput`."""
    if not _PLAIN_NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot name a control group: use letters, digits, '.', '_' and '-'.")
    return name


def joining(directories: list[Path], argv: list[str]) -> list[str]:
    """Wrap ``argv`` in a shell that enters every group and then becomes ``argv``.

    The shell is a few hundred kilobytes; the interpreter, whose memory matters, starts inside.
    """
    script = (
        'while [ "$1" != -- ]; do '
        f'echo $$ > "$1" || {{ echo "{JOIN_FAILED_WORDS}" >&2; exit {JOIN_FAILED}; }}; '
        'shift; done; shift; exec "$@"'
    )
    files = [str(directory / "cgroup.procs") for directory in directories]
    return ["/bin/sh", "-c", script, "fourgig-join", *files, "--", *argv]


def limit(text: str | None) -> int | None:
    """Return a memory limit as the kernel writes it; None means there is none."""
    number = _integer(text or "")
    return None if number is None or number >= _UNLIMITED else number


def tightest(limits: Iterator[int | None]) -> int | None:
    """Return the smallest of the limits that apply together."""
    return min((each for each in limits if each is not None), default=None)


def up_to(top: Path, directory: Path) -> Iterator[Path]:
    """Yield ``directory`` and its parents, up to and with ``top``."""
    yield directory
    while directory not in (top, directory.parent):
        directory = directory.parent
        yield directory


def shown(name: str | Path) -> str:
    """Return a name that may be any bytes as text for people and records."""
    return os.fsencode(name).decode("utf-8", "replace")


def listed(text: str) -> frozenset[int]:
    """Return the numbers in one of the kernel's lists, such as ``0-3,8``."""
    return frozenset(number for part in text.split(",") if part.strip() for number in _span(part))


def as_text(path: Path) -> str | None:
    """Return the path where it is text that JSON can hold; None where its name is other bytes."""
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return None


def gibibytes(number: int) -> str:
    """Return a size for a person to read."""
    return f"{number / 2**30:.3g} GiB"


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _span(part: str) -> range:
    first, _, last = part.strip().partition("-")
    return range(int(first), int(last or first) + 1)


def _unescape(text: str) -> str:
    unescaped = re.sub(rb"\\([0-3][0-7]{2})", lambda match: bytes([int(match[1], 8)]), os.fsencode(text))
    return os.fsdecode(unescaped)
