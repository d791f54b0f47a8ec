"""Services of a trial are real servers here: started for it, inside the limits or out, and always stopped."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from experiments.measuring import records
from experiments.measuring.limits.select import judge
from experiments.measuring.profiles import load
from experiments.measuring.records import Outcome
from experiments.measuring.role import Assignment, Role
from experiments.measuring.runs import read_info
from systems.errors import UnknownName
from tests.experiments.analysis import synthetic
from tests.experiments.conftest import FOURGIG
from tests.experiments.forking import Forked
from tests.experiments.measuring.test_interruption import left_behind, wait_until
from tests.experiments.measuring.test_outcomes import alive, outcomes

SERVICES = (
    "Small", "OnPort", "Silent", "Stubborn", "Broken", "Faulty", "Updated", "Nameless", "Wordless", "Hungry", "Absent",
)  # fmt: skip
NAMES = {"OnPort": "on-port"}


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Install a package with services, a requirement and a study; return the environment that sees it."""
    site = tmp_path_factory.mktemp("serving")
    info = site / "serving-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: serving\nVersion: 1.0\n")
    services = "".join(f"{NAMES.get(name, name.lower())} = service_study:{name}\n" for name in SERVICES)
    (info / "entry_points.txt").write_text(
        f"[fourgig.services]\n{services}[fourgig.studies]\nserved = service_study:Served\n"
        "[fourgig.requirements]\nwanted = service_study:Wanted\n"
    )
    for name in ("service_study.py", "small_server.py"):
        shutil.copy(Path(__file__).parents[1] / name, site)
    return {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}


@pytest.fixture
def sockets():
    """Return the folder of temporary files for a run, whose path is short, as a socket's must be."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def forked(serving):
    forked = Forked(serving)
    yield forked
    forked.close()


@pytest.fixture
def command(forked, tmp_path):
    """Return a function that runs the command to its end."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(*arguments, **environment):
        return forked.run(FOURGIG, list(map(str, arguments)), environment, folder, within_s=300)

    return run


@pytest.fixture
def run_served(command, enforcement, sockets, tmp_path):
    def run(subjects, *arguments, **environment):
        out = tmp_path / "run"
        begun = ["--resume", out] if out.exists() else ["served", "--engine", "simulated", "--out", out]
        begun += [] if out.exists() or "--blocks" in arguments else ["--blocks", "1"]
        environment = {"SERVED": subjects, "TMPDIR": str(sockets), "PIDS": str(tmp_path / "pids"), **environment}
        done = command("run", *begun, *enforcement, *arguments, **environment)
        return done, outcomes(out)

    return run


def nothing_is_left(tmp_path, sockets):
    assert not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split())
    assert list(sockets.iterdir()) == []
    assert not (tmp_path / "run" / ".work").exists()


def test_a_service_is_started_for_each_trial_and_recorded(run_served, sockets, tmp_path):
    done, found = run_served("small-inside,small-outside,on-port-inside,stubborn-outside,stubborn-inside")
    assert done.returncode == 0, done.stderr
    assert {record.outcome for record in found.values()} == {Outcome.OK}, done.stdout
    pids = {record.part().values["pid"] for record in found.values()}
    assert len(pids) == 5
    for name, record in found.items():
        (service,) = record.outside.services
        assert service.name == name.rpartition("-")[0]
        assert service.version == "1.2"
        assert service.inside is name.endswith("inside")
        assert service.start_s > 0
    nothing_is_left(tmp_path, sockets)


@pytest.mark.needs_limits
@pytest.mark.long
def test_the_memory_of_a_service_counts_where_it_is_inside_the_limits(run_served):
    if not judge(load("4gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 4gb")
    _, found = run_served("small-inside,small-outside")
    inside, outside = (found[f"small-{where}"].outside.group.anonymous_bytes for where in ("inside", "outside"))
    assert inside - outside > 45 * 2**20
    assert found["small-inside"].outside.tree_pss_bytes - found["small-outside"].outside.tree_pss_bytes > 45 * 2**20


@pytest.mark.needs_limits
@pytest.mark.long
def test_a_service_that_is_killed_at_the_limit_makes_the_trial_out_of_memory(run_served):
    if not judge(load("1gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 1gb")
    _, found = run_served("hungry-inside", "--profile", "1gb")
    assert found["hungry-inside"].outcome is Outcome.OUT_OF_MEMORY
    assert "1 GiB" in found["hungry-inside"].reason


REASONS = {
    "small-dies": "The service small ended by itself (exit status 1): no more room in here",
    "silent-outside": "The service silent was not ready after 1 s: still reading its files",
    "small-crashes": "The service small ended by itself (exit status 1): no more room in here",
    "nameless-outside": "The service nameless does not tell its version: "
    "Command '['false']' returned non-zero exit status 1.",
    "broken-outside": "The service broken ended by itself (exit status 1): "
    "/nowhere/to/be/found: No such file or directory",
    "wordless-outside": "The service wordless does not tell its command: half \N{REPLACEMENT CHARACTER} of a command",
    "faulty-outside": "The service faulty cannot be asked whether it is ready: no such greeting",
}


@pytest.mark.parametrize("failing", [["small-dies"], pytest.param([*REASONS], marks=pytest.mark.long)], ids=len)
def test_a_service_that_fails_makes_the_trial_void_with_its_last_words_and_the_run_goes_on(
    run_served, sockets, tmp_path, failing
):
    done, found = run_served(",".join([*failing, "small-outside"]))
    assert done.returncode == 0, done.stderr
    assert found["small-outside"].outcome is Outcome.OK
    reasons = {name: record.reason for name, record in found.items() if record.outcome is Outcome.INVALID}
    assert reasons == {name: REASONS[name] for name in failing}
    nothing_is_left(tmp_path, sockets)


@pytest.mark.parametrize(
    ("number", "where"),
    [
        (signal.SIGKILL, "inside"),
        (signal.SIGINT, "outside"),
        pytest.param(signal.SIGKILL, "outside", marks=pytest.mark.long),
        pytest.param(signal.SIGINT, "inside", marks=pytest.mark.long),
    ],
)
def test_after_the_runner_was_killed_or_interrupted_no_service_is_left(
    serving, enforcement, sockets, tmp_path, number, where
):
    pids = tmp_path / "pids"
    process = subprocess.Popen(
        [FOURGIG, "run", "served", "--engine", "simulated", "--out", str(tmp_path / "run"), *enforcement],
        env={**serving, "SERVED": f"small-{where}", "PIDS": str(pids), "KEEP": "", "TMPDIR": str(sockets)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: (pids.exists() and pids.read_text().endswith("\n")) or process.poll() is not None)
    assert process.poll() is None
    os.kill(process.pid, number)
    process.wait()
    wait_until(lambda: left_behind(tmp_path) == ([], [], set()) and not list(sockets.iterdir()))
    wait_until(lambda: not any(map(alive, map(int, pids.read_text().split()))))


@pytest.mark.long
def test_what_is_missing_is_skipped_with_its_reason_and_run_when_it_is_there(run_served, tmp_path):
    subjects = "small-outside,absent-outside,wanted-needs,x-impossible"
    out = tmp_path / "run"
    shown, _ = run_served(subjects, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "1 trials" in shown.stdout
    assert "by guess" in shown.stdout  # no trial of this study was ever measured
    done, found = run_served(subjects)
    assert done.returncode == 0, done.stderr
    assert set(found) == {"small-outside"}
    reasons = {
        "absent-outside": "absent: nobody installed it",
        "wanted-needs": "wanted: it is not there",
        "x-impossible": "nobody could do it",
    }
    info = read_info(out)
    assert {each.subject: each.reason for each in info.skipped} == reasons
    assert info.planned == 1
    report = (out / "report.html").read_text()
    for reason in reasons.values():
        said = f"Skipped 1 cell, which this machine cannot run: {reason}."
        assert said in shown.stderr
        assert said in done.stderr
        assert f"Skipped 1 cell, which this machine could not run: {reason}." in report

    again, found = run_served(subjects, THERE="")
    assert again.returncode == 0, again.stderr
    assert set(found) == {"small-outside", "absent-outside", "wanted-needs"}
    info = read_info(out)
    assert [each.subject for each in info.skipped] == ["x-impossible"]
    assert info.planned == 3

    gone, found = run_served(subjects, "--blocks", "2")  # and is gone again: what it measured stays and is counted
    assert gone.returncode == 0, gone.stderr
    info = read_info(out)
    assert info.planned == len(records.read(out / "trials.jsonl")) == 4
    assert len(info.skipped) == 3


def test_a_run_is_not_gone_on_with_where_a_service_has_another_version(run_served):
    done, _ = run_served("updated-outside")
    assert done.returncode == 0, done.stderr
    other, _ = run_served("updated-outside", "--blocks", "2", VERSION="1.3")
    assert other.returncode == 6, other.stderr
    assert "the service updated 1.2 → 1.3" in other.stderr
    same, _ = run_served("updated-outside", "--blocks", "2")
    assert same.returncode == 0, same.stderr


VOID = "nameless-outside,nameless-inside,faulty-outside,faulty-inside"


@pytest.mark.long
def test_a_run_stops_after_a_block_that_was_wholly_void_and_says_why(run_served, tmp_path):
    done, _ = run_served(VOID, "--blocks", "3")
    assert done.returncode == 13, done.stderr
    found = records.read(tmp_path / "run" / "trials.jsonl")
    assert {(record.spec.block, record.outcome) for record in found} == {(0, Outcome.INVALID)}
    assert len(found) == 4
    assert "Of block 1 all 4 trials were void" in done.stderr
    assert "does not tell its version" in done.stderr or "cannot be asked whether it is ready" in done.stderr
    assert f"--resume {tmp_path / 'run'}" in done.stderr

    on, _ = run_served(VOID, "--keep-going")
    assert on.returncode == 7, on.stderr
    assert len(records.read(tmp_path / "run" / "trials.jsonl")) == 4 + 12


def test_where_everything_is_skipped_the_command_says_that_nothing_was_measured(run_served, tmp_path):
    done, found = run_served("absent-inside")
    assert done.returncode == 7
    assert "Every trial was skipped" in done.stderr
    assert found == {}
    assert not (tmp_path / "run").exists()


def test_a_requirement_that_nobody_registered_is_refused(run_served):
    done, _ = run_served("want-needs")
    assert done.returncode == 2
    assert "There is no requirement named 'want'; did you mean wanted" in done.stderr


def test_the_doctor_lists_what_is_missing_with_how_to_get_it_as_a_note(command):
    done = command("doctor")
    assert done.returncode in (0, 3)
    for name in ("optional: absent", "nobody installed it", "optional: wanted", "set THERE", "optional: libcachesim"):
        assert name in done.stdout


def test_a_role_knows_the_services_of_its_trial_and_no_others(tmp_path):
    role = Role(
        Assignment(
            role="subject",
            spec=synthetic.spec("memory", "baseline"),
            work_dir=str(tmp_path),
            part_path=str(tmp_path / "part"),
            cpus=(0,),
            runner_pid=1,
            services={"small": "/tmp/socket"},
        ),
        to_runner=-1,
    )
    assert role.service("small") == "/tmp/socket"
    with pytest.raises(UnknownName, match="service of this trial"):
        role.service("smell")
