"""A PostgreSQL server for tests, started as the service says, and what is left of it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.workloads.postgres.service import Postgres

needs_postgres = pytest.mark.skipif(bool(Postgres().missing()), reason=f"postgres: {Postgres().missing()}")


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a folder with a short path, as a socket's must be."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(folder: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have a server in ``folder`` that listens at ``address``, and end it whatever happens."""
    service = Postgres()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(service.command(folder, address), cwd=folder, stderr=log, start_new_session=True)
    try:
        while not _ready(service, address):
            assert process.poll() is None, said(folder)
            time.sleep(0.01)
        yield process
    finally:
        process.send_signal(service.stops_by)
        process.wait(service.stops_within_s)


def said(folder: Path) -> str:
    return (folder / "log").read_text()


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose working folder is below ``folder``, as that of every server's process is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                inside = (entry / "cwd").readlink().is_relative_to(folder)
            except OSError:
                continue
            found += [int(entry.name)] if inside else []
    return found


def _ready(service: Postgres, address: str) -> bool:
    try:
        return service.ready(address)
    except OSError:
        return False
