"""PostgreSQL as a service: found, started by whoever runs it, and told what keeps it from running or ends it."""

import asyncio
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from experiments.measuring import records, requirements
from experiments.measuring.probes import processes
from experiments.measuring.records import Outcome
from experiments.workloads.postgres import service as module
from experiments.workloads.postgres.service import Postgres, reached
from tests.experiments.conftest import FOURGIG
from tests.experiments.measuring.test_interruption import small_disk, wait_until
from tests.experiments.postgres_server import needs_postgres, processes_in, said, serving, socket_folder


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


@needs_postgres
@pytest.mark.parametrize("killed", ["runner", "server"])
def test_whoever_is_killed_no_process_is_left_and_the_reason_is_told(enforcement, sockets, tmp_path, killed):
    out = tmp_path / "run"
    run = subprocess.Popen(
        [FOURGIG, "run", "strategies", "--part", "time-ranges", "--preset", "smoke", "--out", str(out), *enforcement],
        env={**os.environ, "TMPDIR": str(sockets)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    servers: list[int] = []

    def serves() -> bool:
        servers[:] = [pid for pid in processes_in(tmp_path) if comm(pid) == "postgres"]
        return len(servers) > 1 or run.poll() is not None

    wait_until(serves)
    assert run.poll() is None
    [server] = [seen.pid for seen in processes.every() if seen.pid in servers and seen.parent not in servers]
    os.kill(run.pid if killed == "runner" else server, signal.SIGKILL)
    run.wait(60)
    wait_until(lambda: not processes_in(tmp_path))
    wait_until(lambda: not list(sockets.iterdir()) and not (out / ".work").exists())
    if killed == "server":
        void, whole = sorted(records.read(out / "trials.jsonl"), key=lambda record: record.outcome is Outcome.OK)
        assert (void.outcome, whole.outcome) == (Outcome.INVALID, Outcome.OK), (void.reason, whole.reason)
        assert "The service postgres ended by itself (killed by SIGKILL)" in void.reason


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
