"""How trials end, each in a real process: the run goes on, and nothing is left behind."""

import os
import sys
from pathlib import Path

import pytest

from experiments.measuring import records
from experiments.measuring.limits.select import judge
from experiments.measuring.profiles import load
from experiments.measuring.records import Outcome

WAYS = ["fine", "hangs", "raises", "dies", "half", "child"]


def outcomes(folder):
    return {record.spec.subject: record for record in records.read(folder / "trials.jsonl")}


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def run_probe(fourgig, enforcement, tmp_path):
    def run(ways, *arguments, out=tmp_path / "run"):
        done = fourgig("run", "probe", "--engine", "simulated", "--out", out, *enforcement, *arguments, PROBE=ways)
        return done, outcomes(out)

    return run


def test_every_way_to_end_is_a_record_and_the_run_goes_on(run_probe, tmp_path):
    done, found = run_probe(",".join(WAYS), "--blocks", "1")
    assert done.returncode == 0, done.stderr
    assert {name: record.outcome for name, record in found.items()} == {
        "fine": Outcome.OK,
        "hangs": Outcome.TIMED_OUT,
        "raises": Outcome.CRASHED,
        "dies": Outcome.CRASHED,
        "half": Outcome.CRASHED,
        "child": Outcome.OK,
    }
    assert "ValueError: a defect of the subject" in found["raises"].reason
    assert "SIGKILL" in found["dies"].reason
    assert "2 s" in found["hangs"].reason
    assert found["half"].parts == []
    assert not alive(int(found["child"].parts[0].values["child"]))
    assert not (tmp_path / "run" / ".work").exists()
    # What was not ok is told, with the reason, on the terminal and in the report.
    assert "a defect of the subject" in done.stdout
    assert "a defect of the subject" in (tmp_path / "run" / "report.html").read_text()


def test_what_a_failed_trial_printed_is_kept_and_the_record_and_the_command_name_the_file(run_probe, tmp_path):
    done, found = run_probe("fine,raises,client_raises", "--blocks", "1")
    assert found["fine"].logs == {}
    [name] = found["raises"].logs.values()
    kept = tmp_path / "run" / name
    assert "Traceback (most recent call last)" in kept.read_text()
    assert "ValueError: a defect of the subject" in kept.read_text()
    assert str(kept) in done.stdout
    assert f'href="./{name}"' in (tmp_path / "run" / "report.html").read_text()
    # Results are shown to others: nothing in them says where things are on this machine.
    assert "fourgig/experiments/measuring/role_process.py" in kept.read_text()
    assert sys.prefix not in kept.read_text()
    assert "a defect of the client" in (tmp_path / "run" / found["client_raises"].logs["client"]).read_text()


@pytest.mark.long
def test_nothing_a_subject_printed_is_obeyed_by_a_terminal_and_no_more_is_kept_than_is_of_use(run_probe, tmp_path):
    done, found = run_probe("colours", "--blocks", "1")
    assert "[31m[bold]red[/]" in found["colours"].reason
    kept = (tmp_path / "run" / found["colours"].logs["subject"]).read_text()
    assert "[31m[bold]red[/]" in kept
    assert len(kept.encode()) < 2**18 + 2**10
    for said in (found["colours"].reason, kept, done.stdout):
        assert not {"\x1b", "\x07"} & set(said)


@pytest.mark.long
def test_the_less_common_ways_to_end_are_told_apart_too(run_probe, tmp_path):
    ways = (
        "ignores,stops,faults,aborts,truncates,leaves,nonsense,chatters,grandchild,swarms,"
        "client_dies,client_raises,client_hangs,client_left"
    )
    done, found = run_probe(ways, "--blocks", "1")
    assert done.returncode == 0, done.stderr
    expected = {
        "ignores": (Outcome.TIMED_OUT, "2 s"),
        "stops": (Outcome.TIMED_OUT, "2 s"),
        "faults": (Outcome.CRASHED, "SIGSEGV"),
        "aborts": (Outcome.CRASHED, "SIGABRT"),
        "truncates": (Outcome.CRASHED, "SIGBUS"),
        "leaves": (Outcome.CRASHED, "exit status 0"),
        "nonsense": (Outcome.CRASHED, "exit status 0"),
        "chatters": (Outcome.OK, ""),
        "grandchild": (Outcome.OK, ""),
        "swarms": (Outcome.OK, ""),
        "client_dies": (Outcome.CRASHED, "client: killed by SIGKILL"),
        "client_raises": (Outcome.CRASHED, "a defect of the client"),
        "client_hangs": (Outcome.TIMED_OUT, "2 s"),
        "client_left": (Outcome.CRASHED, "exit status 3"),
    }
    assert {name: record.outcome for name, record in found.items()} == {way: end for way, (end, _) in expected.items()}
    for way, (_, reason) in expected.items():
        assert reason in found[way].reason, (way, found[way].reason)
    for way in ("grandchild", "swarms"):
        assert not alive(int(found[way].parts[0].values["child"]))
    assert not (tmp_path / "run" / ".work").exists()


@pytest.mark.needs_limits
def test_a_child_that_is_out_of_memory_makes_the_trial_out_of_memory(run_probe):
    if not judge(load("1gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 1gb")
    done, found = run_probe("feeds,fine", "--blocks", "1", "--profile", "1gb")
    assert done.returncode == 0, done.stderr
    assert found["feeds"].outcome is Outcome.OUT_OF_MEMORY
    assert found["fine"].outcome is Outcome.OK


@pytest.mark.needs_limits
@pytest.mark.long
def test_a_kill_that_the_subject_looked_for_and_noted_is_a_result(run_probe):
    if not judge(load("1gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 1gb")
    _, found = run_probe("beyond", "--blocks", "1", "--profile", "1gb")
    assert found["beyond"].outcome is Outcome.OK, found["beyond"].reason
    assert found["beyond"].part().values["status"] == -9
    assert found["beyond"].outside.group.oom_kills >= 1


def test_when_no_trial_is_ok_the_exit_code_says_so(run_probe):
    done, _ = run_probe("raises", "--blocks", "1")
    assert done.returncode == 7
    assert "nothing was measured" in done.stderr


@pytest.mark.needs_limits
@pytest.mark.long
def test_six_gigabytes_under_4gb_are_out_of_memory_and_the_run_goes_on(run_probe):
    if not judge(load("4gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 4gb")
    done, found = run_probe("allocates,fine", "--blocks", "1", "--profile", "4gb")
    assert done.returncode == 0, done.stderr
    assert found["allocates"].outcome is Outcome.OUT_OF_MEMORY
    assert found["allocates"].outside.group.oom_kills >= 1
    assert found["allocates"].outside.group.peak_bytes >= 0.95 * 4 * 2**30
    assert found["fine"].outcome is Outcome.OK


@pytest.mark.needs_limits
@pytest.mark.long
def test_a_file_larger_than_the_limit_is_not_out_of_memory(run_probe):
    if not judge(load("1gb")).backend.enforced:
        pytest.skip("no backend of this machine can enforce 1gb")
    _, found = run_probe("maps", "--blocks", "1", "--profile", "1gb")
    record = found["maps"]
    assert record.outcome is Outcome.OK, record.reason
    assert record.outside.group.peak_bytes >= 0.9 * 2**30
    assert record.outside.group.file_bytes > 10 * record.outside.group.anonymous_bytes


@pytest.mark.long
def test_the_same_seed_gives_the_same_plan_and_another_seed_another(run_probe, finished, tmp_path):
    seeds = []
    usual = outcomes(finished(tmp_path / "usual"))  # of seed 0
    for name, seed in (("usual", None), ("same", "0"), ("other", "2")):
        found = run_probe("fine", "--seed", seed, "--blocks", "1", out=tmp_path / name)[1] if seed else usual
        seeds.append((found["fine"].parts[0].values["seed"], found["fine"].key))
    assert seeds[0] == seeds[1] != seeds[2]


def test_a_record_says_what_was_enforced_and_on_what(run_probe, enforcement, tmp_path):
    _, found = run_probe("fine", "--blocks", "1")
    record = found["fine"]
    assert record.enforced is not bool(enforcement)
    assert record.outside.exit_status == {"subject": 0}
    assert record.outside.page_cache_left_bytes == 0
    text = (tmp_path / "run" / "run.json").read_text() + (tmp_path / "run" / "trials.jsonl").read_text()
    assert str(tmp_path) not in text
    assert os.uname().nodename not in text or len(os.uname().nodename) < 4
