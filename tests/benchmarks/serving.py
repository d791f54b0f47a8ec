"""A server in a process of its own, for as long as it is measured."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_START_S = 180.0


class CannotServe(Exception):
    """Raised where a server ends, or is not ready in time."""


@contextmanager
def serving(
    command: Callable[[int], list[str]], ready: str, variables: Mapping[str, str], *, verbose: bool = False
) -> Iterator[tuple[str, int]]:
    """Run what ``command`` says for a port; once ``ready`` answers, give the address and the process's number.

    Raises `CannotServe`.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    log = None if verbose else subprocess.DEVNULL
    # This process has the one by which its own llama.cpp spins: a server has what it sets itself, or is given.
    around = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    with subprocess.Popen(command(port), stdout=log, stderr=log, env={**around, **variables}) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/{ready}", process)
            yield f"http://127.0.0.1:{port}/v1", process.pid
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise CannotServe(f"The server did not start: {process.args}")


def peak_mib(pid: int) -> float:
    """Return the most memory the process has held, in MiB, the mapped model included."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
