"""Nothing that a trial starts outlives it, also where no control group holds it; nobody else's process is touched."""

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from experiments.measuring import plan, profiles, records, runner
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.probes import processes
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.runs import RunFolder
from tests.experiments.measuring.test_interruption import wait_until
from tests.experiments.measuring.test_outcomes import alive
from tests.experiments.probe_study import DAEMON

FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def run_ways(monkeypatch, tmp_path):
    """Return a function that runs subjects of the probe without limits, in a runner that is this process."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))

    def run(ways, on_start=lambda _: None, on_finish=lambda _: None):
        monkeypatch.setenv("PROBE", ways)
        profile = profiles.load("4gb")
        planned = plan.make(
            preset="smoke",
            study_names=["probe_study:Probe"],
            system_names=[],
            engine=EngineSpec(name="simulated"),
            profile=profile,
            blocks=1,
            seed=1,
        )
        with RunFolder(tmp_path / "run") as folder:
            runner.run(
                sorted(planned.trials, key=lambda spec: ways.index(spec.subject)),
                folder,
                Unenforced(),
                profile,
                "leftovers",
                models={},
                voids_noise=False,
                on_start=on_start,
                on_finish=on_finish,
            )
        return {record.spec.subject: record for record in records.read(tmp_path / "run" / "trials.jsonl")}

    return run


def daemons(tmp_path):
    return [int(line) for line in (tmp_path / "pids").read_text().split()]


def adopts_orphans():
    found = ctypes.c_int(-1)
    ctypes.CDLL(None).prctl(37, ctypes.byref(found))
    return found.value


@pytest.mark.parametrize("way", ["daemon-dies", "daemon-hangs", "daemon-bare", "daemon-leaves", "daemon-ends"])
def test_a_daemon_is_gone_before_the_next_trial_however_its_trial_ended(run_ways, tmp_path, way):
    left = []

    def started(spec):
        if spec.subject == "fine":
            left.extend(pid for pid in daemons(tmp_path) if alive(pid))

    found = run_ways(f"{way},fine", on_start=started)
    assert len(daemons(tmp_path)) == 1
    assert left == []
    assert found["fine"].outcome is Outcome.OK, found["fine"].reason
    assert not set(processes.descendants(os.getpid())) & set(daemons(tmp_path))  # they were waited for too
    assert adopts_orphans() == 0


def test_children_of_a_program_that_calls_the_runner_are_left_alone_and_keep_their_exit_status(run_ways, tmp_path):
    children = []

    def start(*command):
        children.append(subprocess.Popen(command, start_new_session=True))

    def started(_):
        for command in (("sleep", "1000"), ("false",)):
            thread = threading.Thread(target=start, args=command)
            thread.start()
            thread.join()

    start("sleep", "1000")
    try:
        run_ways("daemon-dies", on_start=started)
        earlier, later, ended = children
        assert [earlier.poll(), later.poll(), ended.wait()] == [None, None, 1]
    finally:
        for child in children:
            child.kill()
            child.wait()


@pytest.mark.needs_root
@pytest.mark.long
def test_while_a_process_cannot_be_ended_the_next_trials_are_void_and_name_it(run_ways, tmp_path):
    group = FREEZER / f"fourgig-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("a process can be made to ignore SIGKILL only by a v1 freezer")
    state = group / "freezer.state"

    def finished(record):
        if record.spec.subject == "fine":
            state.write_text("THAWED")
            wait_until(
                lambda: not (group / "cgroup.procs").read_text()
            )  # the kill that waited comes at once, not before

    # It freezes as soon as it says who it is, and its parent is killed by the time-out after that.
    freezing = threading.Thread(target=freeze, args=(tmp_path / "pids", group))
    freezing.start()
    try:
        found = run_ways("daemon-hangs,fine,child", on_finish=finished)
    finally:
        freezing.join()
        state.write_text("THAWED")
        wait_until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
    [pid] = daemons(tmp_path)
    assert found["fine"].outcome is Outcome.INVALID
    assert str(pid) in found["fine"].reason
    assert "earlier trial" in found["fine"].reason
    assert found["child"].outcome is Outcome.OK, found["child"].reason


def freeze(pids, group):
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    (group / "cgroup.procs").write_text(pids.read_text())
    (group / "freezer.state").write_text("FROZEN")


RUNNER = """
import os, subprocess, sys
from experiments.measuring.leftovers import Leftovers
from experiments.measuring.limits.janitor import Janitor
leftovers = Leftovers()
with Janitor([], [], mark=leftovers.mark):
    daemon = [sys.executable, "-S", "-c", *sys.argv[1:]]
    subprocess.run(daemon, env={**os.environ, **leftovers.environment}, check=True)
    sys.stdin.read()
"""


def test_a_daemon_does_not_outlive_a_runner_that_was_killed(tmp_path):
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", RUNNER, DAEMON, str(pids)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        assert all(map(alive, daemons(tmp_path)))
        process.kill()
    wait_until(lambda: not any(map(alive, daemons(tmp_path))))
