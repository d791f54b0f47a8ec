"""Cleaning up after a runner that was killed, with real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.measuring.limits import janitor
from experiments.measuring.limits.interface import Backend
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.profiles import Profile

SLEEP = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
RUNNER = """
import subprocess, sys
from experiments.measuring.limits.janitor import Janitor
cgroups, folders, *command = eval(sys.argv[1])
with Janitor(cgroups, folders) as keeper:
    child = subprocess.Popen(command, start_new_session=True)
    if not cgroups:
        keeper.watch(child.pid)
    print(child.pid, keeper._process.pid, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def runner(cgroups: list[str], folders: list[str], command: list[str]) -> Iterator[tuple[int, int, Callable[[], None]]]:
    """A process that does what the runner does; yields its child, its janitor, and how to kill it outright."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, repr([cgroups, folders, *command])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        child, keeper = map(int, process.stdout.readline().split())

        def kill() -> None:
            process.kill()
            process.wait()

        yield child, keeper, kill


def ended(pid: int) -> bool:
    """Whether the process ended within a generous while; whoever inherits it may leave it a zombie."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_killed_runner_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir()
    (tmp_path / "sockets" / "s").touch()
    with runner([], [str(tmp_path / "sockets")], SLEEP) as (child, keeper, kill):
        kill()
        assert ended(keeper)
        assert ended(child)
    assert not (tmp_path / "sockets").exists()


@pytest.mark.needs_limits
def test_a_killed_runner_leaves_no_group(real: Backend, small: Profile) -> None:
    run = real.open_run(f"janitor-{os.getpid()}", small)
    try:
        trial = run.trial("t1")
        with runner(run.clean_up_paths(), [], trial.command(SLEEP)) as (child, keeper, kill):
            while not trial.pids():
                time.sleep(0.005)
            kill()
            assert ended(keeper)
            assert ended(child)
        assert not any(Path(path).exists() for path in run.clean_up_paths())
    finally:
        run.close()


def test_the_janitor_outlives_the_signals_that_end_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with runner([], [str(folder)], SLEEP) as (child, keeper, kill):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(keeper, number)
        assert folder.exists()
        kill()
        assert ended(child)
        assert ended(keeper)
    assert not folder.exists()


def test_a_run_that_ends_well_leaves_the_janitor_nothing_to_do(tmp_path: Path) -> None:
    with Janitor([str(tmp_path / "removed-already")], [str(tmp_path / "deleted-already")]) as keeper:
        child = subprocess.Popen([sys.executable, "-c", ""])
        keeper.watch(child.pid)
        child.wait()
        keeper.forget(child.pid)
        process = keeper._process
    assert process is not None
    assert process.returncode == 0


def test_a_forgotten_process_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as child:
        with Janitor([], []) as keeper:
            keeper.watch(child.pid)
            keeper.forget(child.pid)
        assert child.poll() is None
        child.kill()


def test_a_number_that_now_means_another_process_is_left_alone() -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as child:
        janitor._kill_process(child.pid, "1")
        janitor._kill_process(child.pid, None)
        assert child.poll() is None
        janitor._kill_process(child.pid, janitor._started(child.pid))
        assert child.wait() == -signal.SIGKILL


def test_a_janitor_that_someone_killed_does_not_stop_the_run() -> None:
    with Janitor([], []) as keeper:
        assert keeper._process is not None
        keeper._process.kill()
        keeper._process.wait()
        keeper.watch(os.getpid())
        keeper.forget(os.getpid())


def test_it_starts_with_the_standard_library_alone() -> None:
    script = [sys.executable, "-I", "-S", janitor.__file__]
    done = subprocess.run(script, input=b"pid x\nnonsense\n\xff\n", capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
