"""A program's function run in processes of its own, and ended with all that it left: the near side of `child`.

Everything here happens in callbacks of the event loop, so that it goes on, and ends, also when whoever asked does not
wait for it any more. The overseer ends the processes at the deadline; that it was itself killed, or stopped, is noticed
here, and what bears the mark in its environment is then killed from here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

CHILD = Path(__file__).with_name("child.py")

_VARIABLE = "FOURGIG_ANALYSIS"

# How long after the deadline the overseer may take, in seconds, until what it should have killed is killed from here,
# and how long that may take until nobody waits for it any more.
_GRACE_S = 0.25

# Bytes read at once, and of what was printed, how many are kept.
_PIECE, _TAIL = 1 << 16, 1000

# A killed process is gone in milliseconds; looking for marked ones takes one or two.
_ROUNDS, _LOOK_AGAIN_S = 20, 0.001


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended.

    ``words`` are the overseer's: ``ended STATUS`` (of the program's process, negative for a signal), ``late`` or
    ``stopped``; empty where it was killed. ``said`` is what came as a report, ``printed`` the end of all else.
    ``flooded`` says that one of them grew beyond its bound, ``late`` that even the overseer had not ended in time.
    """

    words: str
    said: bytes
    printed: bytes
    flooded: bool
    late: bool


class Confined:
    """One call of a function, running from the moment this is made; ``ended`` is set when nothing of it is left.

    At most ``output_bytes`` of what it says, and as many of what it prints, are taken; who says more is ended.
    Needs a running event loop. Raises OSError where no process can be started.
    """

    def __init__(
        self,
        program: Path,
        function: str,
        told: bytes,
        *,
        deadline_s: float,
        memory_bytes: int,
        output_bytes: int,
        own_namespace: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Ended] = self._loop.create_future()
        self._told = memoryview(told)
        self._most = output_bytes
        self._said, self._printed, self._printed_bytes = bytearray(), b"", 0
        self._flooded = self._late = self._settled = self._reaped = False
        self._mark = secrets.token_hex(8)
        until = time.monotonic() + deadline_s
        self._control, theirs = socket.socketpair()
        self._result, result = socket.socketpair()
        with theirs, result:
            passed = (theirs.fileno(), result.fileno())
            numbers = (*passed, until, memory_bytes, int(own_namespace))
            try:
                self._process = subprocess.Popen(
                    # Nothing that is installed, and nothing that a user's environment names, is imported.
                    [sys.executable, "-I", "-S", "-u", CHILD, *map(str, numbers), program, function],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    bufsize=0,
                    cwd="/",
                    # What the agent was told in secret is none of the program's business.
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", _VARIABLE: self._mark},
                    pass_fds=passed,
                    start_new_session=True,
                )
                self._overseer = os.pidfd_open(self._process.pid)
            except BaseException:
                self._control.close()  # which ends an overseer that was started
                self._result.close()
                raise
        self._listen()
        self._timers = [self._loop.call_later(deadline_s + _GRACE_S, self._force)]

    def stop(self) -> None:
        """Have everything ended now; without effect where that has happened."""
        if self._settled:
            return
        with suppress(OSError):  # the overseer has ended already
            self._control.shutdown(socket.SHUT_WR)
        self._timers.append(self._loop.call_later(_GRACE_S, self._force))

    def _listen(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        for end in (self._in, self._out, self._result.fileno(), self._control.fileno()):
            os.set_blocking(end, False)
        self._loop.add_reader(self._overseer, self._overseer_ended)
        self._loop.add_reader(self._out, self._take, self._out)
        self._loop.add_reader(self._result.fileno(), self._take, self._result.fileno())
        self._loop.add_writer(self._in, self._tell)

    def _tell(self) -> None:
        """Tell as much as the pipe takes: a program that answers before it has heard everything must not wait."""
        try:
            self._told = self._told[os.write(self._in, self._told) :]
        except BlockingIOError:
            return
        except OSError:  # it does not listen
            self._told = self._told[:0]
        if not self._told:
            self._loop.remove_writer(self._in)
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _take(self, end: int) -> bool:
        """Take a piece of what was said or printed; return whether there may be more at once."""
        try:
            piece = os.read(end, _PIECE)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        if not piece:
            self._loop.remove_reader(end)
            return False
        if end == self._out:
            self._printed = (self._printed + piece)[-_TAIL:]
            self._printed_bytes += len(piece)
        else:
            self._said += piece
        if max(len(self._said), self._printed_bytes) <= self._most:
            return True
        self._flooded = True
        self._deafen()
        self.stop()
        return False

    def _deafen(self) -> None:
        self._loop.remove_reader(self._out)
        self._loop.remove_reader(self._result.fileno())

    def _overseer_ended(self) -> None:
        self._loop.remove_reader(self._overseer)
        os.close(self._overseer)
        self._process.wait()
        self._reaped = True
        if self._settled:
            return
        try:
            words = self._control.recv(_TAIL).decode().partition("\n")[0]
        except OSError:
            words = ""
        if not words:
            end_marked(self._mark)
        # Nobody is left to add to it, and what is in the pipes is bounded.
        for end in (self._out, self._result.fileno()):
            while not self._flooded and self._take(end):
                pass
        self._settle(words)

    def _force(self) -> None:
        """Kill the overseer, which was stopped or has too little of the processor, and all that it had to end."""
        if self._reaped or self._late:
            return
        self._late = True
        end_marked(self._mark)
        # A process that waits for a disk does not die: it is left to itself, and waited for when it does.
        self._timers.append(self._loop.call_later(_GRACE_S, self._settle, ""))

    def _settle(self, words: str) -> None:
        """Close all ends and tell whoever waits."""
        if self._settled:
            return
        self._settled = True
        for timer in self._timers:
            timer.cancel()
        self._deafen()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if not self._process.stdin.closed:
            self._loop.remove_writer(self._in)
            self._process.stdin.close()
        self._process.stdout.close()
        self._result.close()
        self._control.close()
        self.ended.set_result(
            Ended(
                words=words,
                said=bytes(self._said),
                printed=self._printed,
                flooded=self._flooded,
                late=self._late,
            )
        )


def end_marked(mark: str) -> None:
    """Kill every process that was started with ``mark`` in its environment, until none is found.

    Blocks for milliseconds, which is why only what nobody oversees any more is ended so.
    """
    for _ in range(_ROUNDS):
        found = list(_marked(f"{_VARIABLE}={mark}".encode()))
        if not found:
            return
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_AGAIN_S)


def _marked(assignment: bytes) -> Iterator[int]:
    """Yield the processes with an assignment in their environment; one that has ended has none any more."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed
        if name.isdigit():
            with suppress(OSError):
                if assignment in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    yield int(name)
