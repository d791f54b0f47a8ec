"""A PostgreSQL server for tests: started as the service says, or by the house as for a trial; what is left of it."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.measuring import running_services
from experiments.measuring.leftovers import Leftovers
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.profiles import load
from experiments.measuring.records import ServiceSpec
from experiments.measuring.running_services import Place, RunningServices
from experiments.workloads.postgres.service import Postgres, reached

needs_postgres = pytest.mark.skipif(bool(Postgres().missing()), reason=f"postgres: {Postgres().missing()}")


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a folder with a short path, as a socket's must be."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


@contextmanager
def as_for_a_trial(folder: Path, sockets: Path) -> Iterator[RunningServices]:
    """Have the house start a server in ``folder`` where nothing is limited, and clean up after it."""
    leftovers, group = Leftovers(), Unenforced().open_run("run", load("4gb")).trial("trial")
    cpus = tuple(os.sched_getaffinity(0))
    folders = [str(folder), str(sockets)]
    with Janitor([], folders, mark=leftovers.mark) as janitor, leftovers.ended_after(group):
        place = Place(
            folder=folder,
            sockets=sockets,
            group=group,
            inside_cpus=cpus,
            outside_cpus=cpus,
            janitor=janitor,
            leftovers=leftovers,
        )
        with running_services.running([ServiceSpec(name="postgres")], place) as services:
            yield services


async def keep_busy(address: str) -> None:
    """Ask for what takes the server a long time without a pause; returns when the connection breaks."""
    import asyncpg

    connection = await asyncpg.connect(**reached(address))
    try:
        await connection.fetchval(
            "SELECT count(*) FROM generate_series(1, 10) a, LATERAL generate_series(1, 1000000000)"
        )
    finally:
        connection.terminate()


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


def _main(folder: str, sockets: str) -> None:
    """Serve and keep busy until somebody kills this process."""
    with as_for_a_trial(Path(folder), Path(sockets)) as services:
        asyncio.run(keep_busy(services.addresses["postgres"]))


if __name__ == "__main__":
    _main(*sys.argv[1:])
