"""An agent with helpers does not look free: every figure counts what they use, however they were started."""

import os
import resource
import shutil
from pathlib import Path

import pytest

from experiments import metrics
from experiments.measuring import plan, profiles, records, runner
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.runs import RunFolder
from tests.experiments.conftest import FOURGIG
from tests.experiments.crew_helper import BURNS_S, GROWS, HELD
from tests.experiments.forking import Forked

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
def forked(folder):
    forked = Forked({**os.environ, "PYTHONPATH": str(folder)})
    yield forked
    forked.close()


@pytest.fixture(scope="module")
def measured(folder, forked, enforcement):
    """Return a function from a run's name to its records by system, each run once."""
    known = {}

    def records_of(run):
        if run not in known:
            systems = ",".join(f"crew_system:{name}" for name in ("Alone", *HELPED))
            out = folder / run
            chosen = ("--preset", "smoke", "--engine", "simulated", "--systems", systems)
            arguments = ["run", *RUNS[run], *chosen, "--out", str(out), *enforcement]
            done = forked.run(FOURGIG, arguments, {"COLUMNS": "200"}, folder, within_s=300)
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
@pytest.mark.long
def test_processor_time_a_request_has_the_helpers_in_it(measured, system):
    found = measured("load")
    assert figure(found[system], "cpu_per_request") > figure(found["Alone"], "cpu_per_request") + 0.8 * BURNS_S
    assert figure(found["Alone"], "cpu_per_request") < 0.8 * BURNS_S


@pytest.mark.parametrize("system", HELPED)
@pytest.mark.long
def test_memory_at_every_moment_of_a_start_has_the_helpers_in_it(measured, system):
    found = measured("start")
    for turns, moment in enumerate(("ready", "first_reply", "second_reply")):
        more = figure(found[system], f"memory_at_{moment}") - figure(found["Alone"], f"memory_at_{moment}")
        # A program of its own brings an interpreter with it; pages that a fork left shared count once.
        assert HELD + turns * GROWS - 2**20 < more < HELD + turns * GROWS + 12 * 2**20, moment
    assert [len(found[name].part().memory["ready"].processes) for name in (system, "Alone")] == [2, 0]


@pytest.mark.parametrize("system", HELPED)
@pytest.mark.long
def test_growth_over_turns_has_the_helpers_in_it(measured, system):
    found = measured("soak")
    assert figure(found[system], "anonymous_growth") == pytest.approx(GROWS, rel=0.2)
    assert abs(figure(found["Alone"], "anonymous_growth")) < 0.1 * GROWS


@pytest.mark.long
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
@pytest.mark.long
def test_a_look_from_outside_keeps_the_part_of_every_process(measured, system):
    looks = measured("load")[system].outside.looks
    assert list(looks) == ["serving", "served"]
    before, after = (sum(one.cpu_seconds for one in look.processes) for look in looks.values())
    assert after - before > BURNS_S
    assert [len(look.processes) for look in looks.values()] == [2, 2]
    assert max(one.anonymous_bytes for one in looks["served"].processes) > HELD


@pytest.fixture
def trial_of(folder, tmp_path, monkeypatch):
    """Return a function that runs one trial of a system, without limits, in a runner that is this process.

    It returns the record, and the processor seconds that this process has waited for meanwhile.
    """
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)

    def run(system, study, only):
        profile, found, waited_for = profiles.load("4gb"), [], []
        planned = plan.make(
            preset="smoke",
            study_names=[study],
            system_names=[f"crew_system:{system}"],
            engine=EngineSpec(name="simulated"),
            profile=profile,
            blocks=1,
            seed=1,
            only=only,
        )

        def finished(record):
            found.append(record)
            waited_for.append(_waited_for())

        with RunFolder(tmp_path / "run") as folder_:
            runner.run(
                planned.trials,
                folder_,
                Unenforced(),
                profile,
                "tree",
                models={},
                voids_noise=False,
                on_start=lambda _: waited_for.append(_waited_for()),
                on_finish=finished,
            )
        [record], [before, after] = found, waited_for
        assert record.outcome is Outcome.OK, record.reason
        return record, after - before

    return run


def _waited_for():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("system", HELPED)
def test_without_a_group_of_the_trial_s_own_the_tree_of_its_processes_is_read(trial_of, system):
    record, _ = trial_of(system, "load", {"work": "inference"})
    assert {(look.counted, len(look.processes)) for look in record.outside.looks.values()} == {("tree", 2)}
    assert figure(record, "cpu_per_request") > 0.8 * BURNS_S


@pytest.mark.parametrize("system", HELPED)
def test_what_helpers_used_is_not_taken_for_the_noise_of_others(trial_of, system):
    record, waited_for = trial_of(system, "lazy-loading", {"part": "start", "page_cache": "cold"})
    used = record.outside.cpu_seconds
    assert used > 2 * BURNS_S
    assert waited_for > used - 0.05  # the kernel's ticks
