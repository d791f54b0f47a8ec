"""A process that outlives the runner and cleans up after it, however the runner died.

It imports nothing but the standard library and waits for the end of its standard input, which comes when the runner
closes it or dies. Then it kills what is left in the run's control groups, removes them, kills what bears the run's mark
(a daemon is in no group of processes that anybody knows), and deletes the temporary folders. Lines on its input name
more groups, ``cgroup /sys/fs/cgroup/...``, and processes that are in no group: ``pid 123`` to watch one, ``done 123``
to forget it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

_GIVE_UP_S, _UNENDING_S = 20.0, 5.0
_REAP_TIMEOUT_S = 30.0


class Janitor:
    """Starts the process; leaving the context ends it. ``cgroups`` and ``folders`` need not exist yet.

    ``mark`` is an assignment, NAME=VALUE, that only processes to be ended have in their environment.
    Leaving also ends and removes what the runner left of them. Raises OSError where no process can be started.
    """

    def __init__(self, cgroups: list[str], folders: list[str], *, mark: str = "") -> None:
        self._arguments = [f"cgroup:{path}" for path in cgroups] + [f"folder:{path}" for path in folders]
        if mark:
            self._arguments.append(f"mark:{mark}")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Janitor:
        # -I -S: nothing the user's environment installs is loaded, so it starts fast and stays small.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdout is not None
        with self._process.stdout as answer:  # before it answers, a signal could still end it
            if not answer.readline():
                raise OSError("The process that cleans up after a killed run did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_REAP_TIMEOUT_S)

    def guard(self, cgroups: list[str]) -> None:
        """Have these groups emptied and removed too."""
        for path in cgroups:
            self._tell(f"cgroup {path}\n")

    def watch(self, pid: int) -> None:
        """Have the process, and its group if it leads one, killed if the runner dies."""
        self._tell(f"pid {pid}\n")

    def forget(self, pid: int) -> None:
        """Say that the process was waited for; its number may mean another one from now on."""
        self._tell(f"done {pid}\n")

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the janitor is not running")
        # A janitor that someone killed costs the cleaning, not the run.
        with suppress(BrokenPipeError):
            self._process.stdin.write(os.fsencode(line))
            self._process.stdin.flush()


def marked(mark: str) -> list[int]:
    """Return the processes that have ``mark``, NAME=VALUE, in the environment they were started with.

    One that has ended has none any more, and the kernel does not show that of another user's.
    """
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed
        if name.isdigit():
            with suppress(OSError):
                if os.fsencode(mark) in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    found.append(int(name))
    return found


def _main(arguments: list[str], lines: IO[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    watched: dict[int, str | None] = {}
    for line in lines:
        verb, _, rest = os.fsdecode(line).removesuffix("\n").partition(" ")
        if verb == "cgroup":
            arguments.append(f"cgroup:{rest}")
        elif verb == "pid" and rest.isdigit():
            watched[int(rest)] = _started(int(rest))
        elif verb == "done" and rest.isdigit():
            watched.pop(int(rest), None)
    for pid, started in watched.items():
        _kill_process(pid, started)
    for argument in arguments:
        kind, _, path = argument.partition(":")
        if kind == "cgroup":
            _remove_cgroup(Path(path))
        elif kind == "mark":
            _kill_marked(path)
    for argument in arguments:
        kind, _, path = argument.partition(":")
        if kind == "folder":
            shutil.rmtree(path, ignore_errors=True)


def _started(pid: int) -> str | None:
    """Return when the process started, in ticks since boot: with its number, that names it for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")  # its name may be any bytes
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]  # field 22; the name before it may hold spaces and parentheses


def _kill_process(pid: int, started: str | None) -> None:
    now = _started(pid)
    # A leader may be gone while its group lives on: then its number is still taken and belongs to the group.
    if started is None or now not in (started, None):
        return
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    if now is not None:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _kill_marked(mark: str) -> None:
    deadline = time.monotonic() + _UNENDING_S
    while (left := marked(mark)) and time.monotonic() < deadline:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _remove_cgroup(top: Path) -> None:
    deadline = time.monotonic() + _GIVE_UP_S
    while top.exists() and time.monotonic() < deadline:
        for path, _, _ in os.walk(top, topdown=False):
            _empty(Path(path))
            with suppress(OSError):
                Path(path).rmdir()
        if top.exists():
            time.sleep(0.01)


def _empty(directory: Path) -> None:
    try:
        members = [int(line) for line in (directory / "cgroup.procs").read_text().split()]
    except OSError:
        return
    for pid in members:
        if pid not in (0, os.getpid()):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _main(sys.argv[1:], sys.stdin.buffer)
