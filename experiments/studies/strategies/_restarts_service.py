"""A small service of worker processes that share one socket, and who starts workers again: run by its path.

The supervisor says on its standard output where it listens, and workers say there when they serve; it ends, and all its
workers with it, when its standard input does. It is run by its path, so that a worker loads this file and what an
agent's worker loads, and nothing of the lab.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

LOADED = ("asyncio", "sqlite3", "urllib.request")
"""What a worker loads before it serves: a loop, a store and a client, as an agent's does."""

_HASHES = 500  # the work of a request: half a millisecond or so
_BACKLOG = 128

# Seconds: the first pause after a worker that lived less than the last, the longest, and what counts as having lived.
FIRST_PAUSE_S, LONGEST_PAUSE_S, LIVED_S = 0.1, 1.0, 0.5


def main() -> None:
    """Be a worker, or the supervisor: ``worker DESCRIPTOR BROKEN``, or ``POLICY WORKERS BROKEN``.

    A worker that finds the file ``BROKEN`` dies at its start.
    """
    if sys.argv[1] == "worker":
        serve(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        Supervisor(sys.argv[1], int(sys.argv[2]), sys.argv[3]).run()


def serve(descriptor: int, broken: Path) -> None:
    """Load what a worker needs, wait for the word, and answer one connection after another."""
    for name in LOADED:
        importlib.import_module(name)
    if broken.exists():
        sys.exit("It cannot start: what it needs is broken.")
    if not sys.stdin.readline():
        return
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    listening = socket.socket(fileno=descriptor)
    _say(f"serving {os.getpid()}")
    while True:
        connection, _ = listening.accept()
        with connection:
            digest = connection.recv(100)
            for _ in range(_HASHES):
                digest = hashlib.sha256(digest).digest()
            connection.sendall(digest.hex().encode())


def _end_with_supervisor() -> None:
    sys.stdin.read()
    os._exit(0)


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


class Supervisor:
    """Starts workers, and new ones for those that died, as its policy has it.

    ``unattended`` starts none, ``at-once`` one for each that died, and ``backoff`` does so after a pause, twice as long
    each time, where the worker had only just begun. ``spare`` is as ``at-once``, with one more worker that waits,
    loaded, to take a place.
    """

    def __init__(self, policy: str, workers: int, broken: str) -> None:
        self._policy, self._workers, self._broken = policy, workers, broken
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._spares: queue.Queue[subprocess.Popen[bytes]] = queue.Queue(maxsize=1)
        self._living: list[subprocess.Popen[bytes]] = []
        self._ending = threading.Event()

    def run(self) -> None:
        """Keep the workers until the standard input ends, and wait for their ends."""
        host, port = self._listening.getsockname()
        _say(f"listening {host}:{port}")
        kept = [self._keep] * self._workers + [self._keep_spare] * (self._policy == "spare")
        for each in kept:
            threading.Thread(target=each, daemon=True).start()
        sys.stdin.read()
        self._ending.set()
        for worker in list(self._living):
            assert worker.stdin is not None
            with suppress(OSError):
                worker.stdin.close()
            worker.wait()

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending.is_set():
            began = time.monotonic()
            self._worker().wait()
            if self._policy == "unattended":
                return
            if time.monotonic() - began >= LIVED_S:
                pause_s = FIRST_PAUSE_S
            elif self._policy == "backoff":
                self._ending.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _worker(self) -> subprocess.Popen[bytes]:
        """Return a worker that was told to serve: the spare, where there is to be one."""
        while True:
            if self._policy == "spare":
                worker = self._spares.get()
                self._spares.task_done()
            else:
                worker = self._started()
            assert worker.stdin is not None
            try:
                worker.stdin.write(b"serve\n")
                worker.stdin.flush()
            except BrokenPipeError:  # it died while it waited, or at its start
                worker.wait()
                if self._policy != "spare":
                    return worker
            else:
                return worker

    def _keep_spare(self) -> None:
        while not self._ending.is_set():
            self._spares.put(self._started())
            self._spares.join()

    def _started(self) -> subprocess.Popen[bytes]:
        _say("starting")
        descriptor = self._listening.fileno()
        command = [sys.executable, "-P", __file__, "worker", str(descriptor), self._broken]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[descriptor])
        self._living.append(worker)
        return worker


if __name__ == "__main__":
    main()
