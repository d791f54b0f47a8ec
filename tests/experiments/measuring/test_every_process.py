"""An agent with helpers does not look free: every figure counts what they use, however they were started."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments import metrics
from experiments.measuring import plan, profiles, records, runner, trial
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.limits.select import choose
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.runs import RunFolder
from tests.experiments.conftest import FOURGIG
from tests.experiments.crew_helper import BURNS_S, GROWS, HELD

HELPED = ("Forks", "Executes", "Leaves")
RUNS = {
    "load": ("load", "--only", "work=inference"),
    "start": ("lazy-loading", "--part", "start"),
    "soak": ("memory", "--part", "soak"),
    "memray": ("memory", "--part", "memray"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder from which the systems can be imported."""
    folder = tmp_path_factory.mktemp("crew")
    for name in ("crew_system", "crew_helper", "echo_system"):
        shutil.copy(Path(__file__).parents[1] / f"{name}.py", folder)
    return folder


@pytest.fixture(scope="module")
def measured(folder, enforcement):
    """Return a function from a run's name to its records by system, each run once."""
    known = {}

    def records_of(run):
        if run not in known:
            systems = ",".join(f"crew_system:{name}" for name in ("Alone", *HELPED))
            out = folder / run
            done = subprocess.run(
                [
                    *(FOURGIG, "run", *RUNS[run], "--preset", "smoke", "--engine", "simulated"),
                    *("--systems", systems, "--out", str(out), *enforcement),
                ],
                env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            every = records.read(out / "trials.jsonl")
            assert {
                (one.spec.subject, one.outcome, one.reason) for one in every if one.outcome is not Outcome.OK
            } == set()
            known[run] = {str(one.spec.system).partition(":")[2]: one for one in every}
        return known[run]

    return records_of


def figure(record, name):
    value = metrics.get(name).of(record)
    assert isinstance(value, float), value
    return value


@pytest.mark.parametrize("system", HELPED)
def test_processor_time_a_request_has_the_helpers_in_it(measured, system):
    found = measured("load")
    assert figure(found[system], "cpu_per_request") > figure(found["Alone"], "cpu_per_request") + 0.8 * BURNS_S
    assert figure(found["Alone"], "cpu_per_request") < 0.8 * BURNS_S


@pytest.mark.parametrize("system", HELPED)
def test_memory_at_every_moment_of_a_start_has_the_helpers_in_it(measured, system):
    found = measured("start")
    for turns, moment in enumerate(("ready", "first_reply", "second_reply")):
        more = figure(found[system], f"memory_at_{moment}") - figure(found["Alone"], f"memory_at_{moment}")
        # A program of its own brings an interpreter with it; pages that a fork left shared count once.
        assert HELD + turns * GROWS - 2**20 < more < HELD + turns * GROWS + 12 * 2**20, moment
    assert [len(found[name].part().memory["ready"].processes) for name in (system, "Alone")] == [2, 0]


@pytest.mark.parametrize("system", HELPED)
def test_growth_over_turns_has_the_helpers_in_it(measured, system):
    found = measured("soak")
    assert figure(found[system], "anonymous_growth") == pytest.approx(GROWS, rel=0.2)
    assert abs(figure(found["Alone"], "anonymous_growth")) < 0.1 * GROWS


def test_a_forked_helper_is_traced_too_and_one_that_is_a_program_is_counted(measured):
    found = measured("memray")
    alone = figure(found["Alone"], "heap_peak")
    for system in ("Forks", "Leaves"):
        assert figure(found[system], "heap_peak") > alone + HELD
        assert found[system].part().values["untraced_processes"] == 0
    assert figure(found["Executes"], "heap_peak") < alone + HELD
    assert found["Executes"].part().values["untraced_processes"] == 1
    assert found["Alone"].part().values["untraced_processes"] == 0


@pytest.mark.parametrize("system", HELPED)
def test_a_look_from_outside_keeps_the_part_of_every_process(measured, system):
    looks = measured("load")[system].outside.looks
    assert list(looks) == ["serving", "served"]
    before, after = (sum(one.cpu_seconds for one in look.processes) for look in looks.values())
    assert after - before > BURNS_S
    assert [len(look.processes) for look in looks.values()] == [2, 2]
    assert max(one.anonymous_bytes for one in looks["served"].processes) > HELD


@pytest.fixture
def run_one(folder, tmp_path, monkeypatch):
    """Return a function that runs a system's smallest trial of load under a backend, in this process."""
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)

    def run(system, backend):
        profile, found = profiles.load("4gb"), []
        planned = plan.make(
            preset="smoke",
            study_names=["load"],
            system_names=[f"crew_system:{system}"],
            engine=EngineSpec(name="simulated"),
            profile=profile,
            blocks=1,
            seed=1,
            only={"work": "inference"},
        )
        with RunFolder(tmp_path / system) as folder:
            runner.run(
                planned.trials,
                folder,
                backend,
                profile,
                f"crew-{system.lower()}",
                models={},
                voids_noise=False,
                on_start=lambda _: None,
                on_finish=found.append,
            )
        [record] = found
        assert record.outcome is Outcome.OK, record.reason
        return record

    return run


@pytest.mark.parametrize("system", HELPED)
def test_without_a_group_of_the_trial_s_own_the_tree_of_its_processes_is_read(run_one, system):
    record = run_one(system, Unenforced())
    assert {(look.counted, len(look.processes)) for look in record.outside.looks.values()} == {("tree", 2)}
    assert figure(record, "cpu_per_request") > 0.8 * BURNS_S


@pytest.mark.needs_limits
def test_what_a_helper_used_that_nobody_waited_for_is_not_taken_for_the_noise_of_others(run_one, monkeypatch):
    backend = choose(profiles.load("4gb"), allow_unenforced=True)
    if not backend.enforced:
        pytest.skip("no backend of this machine can make groups")
    ours = []

    class Noted(trial.Noise):
        def stop(self, still_running_cpu_s=0.0):
            ours.append(still_running_cpu_s)
            return super().stop(still_running_cpu_s)

    monkeypatch.setattr(trial, "Noise", Noted)
    for system in ("Alone", "Executes", "Forks", "Leaves"):
        run_one(system, backend)
    alone, waited_for, *unwaited = ours
    assert max(alone, waited_for) < BURNS_S
    assert min(unwaited) > 3 * BURNS_S  # a turn of warming up and two users' turns
