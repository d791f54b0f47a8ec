"""PostgreSQL as a service: found, started by whoever runs it, and told what keeps it from running or ends it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.measuring import requirements
from experiments.measuring.probes import processes
from experiments.workloads.postgres import service as module
from experiments.workloads.postgres.service import Postgres, reached
from tests.experiments.measuring.test_interruption import small_disk, wait_until
from tests.experiments.postgres_server import (
    as_for_a_trial,
    keep_busy,
    needs_postgres,
    processes_in,
    said,
    serving,
    socket_folder,
)

ROOT = Path(__file__).parents[4]


@pytest.fixture
def sockets():
    with socket_folder() as folder:
        yield folder


def failing(folder: Path, sockets: Path) -> str:
    """Return the last line of a server that cannot start."""
    folder.mkdir(exist_ok=True)
    command = Postgres().command(folder, str(sockets / "socket"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, None)
    return done.stderr.strip().splitlines()[-1]


async def asked(address: str) -> list[str]:
    """Return settings as the server shows them; raises where it lets somebody in without the right password."""
    import asyncpg

    connection = await asyncpg.connect(**reached(address))
    try:
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
        shown = [await connection.fetchval(f"SHOW {name}") for name in names]
        await connection.execute("CREATE ROLE agent LOGIN PASSWORD 'known to both'")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**reached(address) | {"user": "agent", "password": "guessed"})
        return shown
    finally:
        await connection.close()


# What it is, and what keeps it from starting


@needs_postgres
def test_it_starts_over_a_stale_lock_is_as_durable_as_is_stated_and_another_tells_that_its_socket_is_in_use(
    tmp_path, sockets
):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (sockets / ".s.PGSQL.5432").write_text("")
    (sockets / ".s.PGSQL.5432.lock").write_text(f"{gone.pid}\n/nowhere/data\n1\n5432\n{sockets}\n")
    folder, address = tmp_path / "first", str(sockets / "socket")
    folder.mkdir()
    with serving(folder, address) as server:
        version, *settings = asyncio.run(asked(address))
        assert settings == ["on", "on", "on", ""]
        assert Postgres().version().startswith(version)
        users = {Path(f"/proc/{pid}").stat().st_uid for pid in (server.pid, *processes.descendants(server.pid))}
        assert 0 not in users
        last = failing(tmp_path / "second", sockets)
        assert re.search(r'FATAL: .*lock file ".*\.s\.PGSQL\.5432\.lock" already exists', last), last
        assert server.poll() is None
    assert server.returncode == 0
    assert processes_in(tmp_path) == []
    assert list(sockets.iterdir()) == []


def test_the_newest_of_the_systems_servers_is_taken_where_no_package_has_one(tmp_path, monkeypatch):
    for version in ("9.6", "17", "15"):
        binaries = tmp_path / version / "bin"
        binaries.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (binaries / name).touch()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", "")
    assert str(tmp_path / "17" / "bin") in Postgres().command(tmp_path, "/tmp/x/socket")
    assert "the client asyncpg is not installed" in Postgres().missing()


def test_without_server_and_client_what_is_missing_is_told_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "_DEBIAN", tmp_path)
    monkeypatch.setattr(module, "_FEDORA", tmp_path)
    monkeypatch.setenv("PATH", "")
    words = requirements.lacking("postgres")
    assert words.startswith("postgres: no server is installed, the client asyncpg is not installed")
    assert "the extra `postgres`" in words
    assert "pip install" in requirements.get("postgres").remedy


@needs_postgres
@pytest.mark.needs_root
def test_a_full_disk_at_the_start_is_told_in_the_last_line(tmp_path, sockets):
    with small_disk(tmp_path / "small", "8m") as disk:
        assert "No space left on device" in failing(disk / "folder", sockets)


# What ends it


def busy(folder: Path) -> list[int]:
    """Return the server's processes that have work to do: they have used processor time since they began."""
    return [pid for pid in processes_in(folder) if processes.cpu_seconds(pid) > 0.1]


@needs_postgres
def test_a_server_that_is_killed_ends_with_its_reason_and_a_busy_query_ends_with_who_asked(sockets, tmp_path):
    async def kill_while_busy(services):
        asking = asyncio.create_task(keep_busy(services.addresses["postgres"]))
        await asyncio.to_thread(wait_until, lambda: busy(tmp_path))
        [server] = services.inside_pids
        os.kill(server, signal.SIGKILL)
        reason = await asyncio.to_thread(services.ended, 10.0)
        asking.cancel()
        await asyncio.wait([asking])
        return reason

    with as_for_a_trial(tmp_path, sockets) as services:
        assert [(run.name, run.version) for run in services.runs] == [("postgres", Postgres().version())]
        reason = asyncio.run(kill_while_busy(services))
        assert reason.startswith("The service postgres ended by itself (killed by SIGKILL)")
        wait_until(lambda: not processes_in(tmp_path))


@needs_postgres
def test_whoever_runs_it_is_killed_and_no_process_and_no_file_is_left(sockets, tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.experiments.postgres_server", folder, sockets]
    runner = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    wait_until(lambda: busy(folder) or runner.poll() is not None)
    assert runner.poll() is None
    runner.kill()
    runner.wait()
    wait_until(lambda: not processes_in(folder) and not folder.exists() and not sockets.exists())


@needs_postgres
@pytest.mark.needs_root
def test_a_disk_that_fills_up_is_told_to_who_asks_and_the_server_goes_on_or_says_why_not(tmp_path, sockets):
    address = str(sockets / "socket")

    async def fill():
        import asyncpg

        connection = await asyncpg.connect(**reached(address))
        await connection.execute("CREATE TABLE filler (body text)")
        try:
            while True:
                await connection.execute("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        except (asyncpg.PostgresError, OSError) as error:
            return str(error)

    with small_disk(tmp_path / "small", "64m") as disk:
        folder = disk / "folder"
        folder.mkdir()
        with serving(folder, address):
            told = asyncio.run(fill())
        assert "No space left on device" in told + said(folder)
