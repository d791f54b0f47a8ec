"""The command used rightly and wrongly: one clear sentence, a documented exit code, never a traceback."""

import os
import shutil
import subprocess

import pytest

from experiments.measuring import records
from experiments.measuring.runs import read_info
from tests.experiments.conftest import FOURGIG


def only(**factors):
    """Return the options that keep the trials with one of these levels of each factor."""
    return [word for factor, levels in factors.items() for level in levels for word in ("--only", f"{factor}={level}")]


def sentence(done, code):
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["run", "isolatoin", "--dry-run"], "isolation"),
        (["run", "isolation", "--systems", "baselin", "--dry-run"], "baseline"),
        (["run", "--profile", "4bg", "--dry-run"], "4gb"),
        (["run", "--preset", "quik", "--dry-run"], "quick"),
        (["run", "--engine", "lama", "--dry-run"], "llama"),
        (["run", "isolation", "--model", "153m"], "135m"),
        (["list", "system"], "systems"),
        (["doctor", "--profile", "5gb"], "4gb"),
        (["model", "make", "1.1"], "1.1b"),
    ],
)
def test_an_unknown_name_gets_the_nearest_ones(fourgig, arguments, near):
    error = sentence(fourgig(*arguments), 2)
    assert "did you mean" in error
    assert near in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--url", "http://127.0.0.1:1/v1"], "--url is for --engine openai"),
        (["--engine", "openai", "--url", "nowhere"], "is no http address"),
    ],
)
def test_an_address_that_fits_no_engine_is_refused_before_anything_runs(fourgig, arguments, says):
    assert says in sentence(fourgig("run", "load", *arguments, "--dry-run"), 2)


def test_a_missing_a_foreign_and_a_truncated_model_are_told_apart(fourgig, tiny_model, tmp_path):
    assert "no.gguf" in sentence(fourgig("run", "isolation", "--model", tmp_path / "no.gguf"), 4)
    text = tmp_path / "text.gguf"
    text.write_text("just words")
    assert "not a GGUF" in sentence(fourgig("run", "isolation", "--model", text), 4)
    short = tmp_path / "short.gguf"
    short.write_bytes(tiny_model.read_bytes()[:-5000])
    assert "short.gguf" in sentence(fourgig("run", "isolation", "--model", short), 4)


def test_a_folder_that_cannot_be_written_is_told(fourgig, enforcement):
    error = sentence(fourgig("run", "probe", "--engine", "simulated", "--out", "/proc/nowhere/run", *enforcement), 5)
    assert "/proc/nowhere/run" in error


def test_a_folder_that_is_no_run_is_told(fourgig, tmp_path):
    assert "not a run" in sentence(fourgig("report", tmp_path), 6)
    assert "not a run" in sentence(fourgig("run", "--resume", tmp_path), 6)


def test_a_run_of_another_schema_is_refused(fourgig, tmp_path):
    (tmp_path / "run.json").write_text('{"schema_version": 99}')
    assert "schema 99" in sentence(fourgig("report", tmp_path), 6)


def test_a_resumed_run_keeps_what_it_was_started_with(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    begun = fourgig("run", "probe", "--engine", "simulated", "--blocks", "2", "--out", out, *enforcement)
    assert begun.returncode == 0
    error = sentence(fourgig("run", "--resume", out, "--seed", "3"), 2)
    assert "--seed" in error
    assert "2 blocks" in sentence(fourgig("run", "--resume", out, "--blocks", "1"), 2)


def test_a_run_goes_on_until_it_is_stable_or_the_time_is_up(fourgig, tmp_path, enforcement):
    out, timed = tmp_path / "run", {"PROBE": "timed-1,timed-2"}
    stable = ("--until-stable", *enforcement)
    begun = ("run", "probe", "--engine", "simulated", "--blocks", "2", "--out", out)
    short = fourgig(*begun, *stable, "--time-limit", "0", **timed)
    assert short.returncode == 0, short.stderr
    assert "1 of 1 comparisons are not stable, and the time is up" in short.stderr
    assert "--blocks 6" in short.stderr
    assert read_info(out).blocks == 2
    done = fourgig("run", "--resume", out, *stable, **timed)
    assert done.returncode == 0, done.stderr
    assert "going on to 6 blocks" in done.stderr
    assert "Every comparison is stable" in done.stderr
    assert read_info(out).blocks == 6
    assert len(records.read(out / "trials.jsonl")) == 12


def test_naming_something_twice_runs_it_once(fourgig):
    once = fourgig("run", "isolation", "--systems", "baseline", "--dry-run").stdout
    assert fourgig("run", "isolation", "isolation", "--systems", "baseline,baseline", "--dry-run").stdout == once


def test_a_dry_run_prints_the_plan_and_writes_nothing(fourgig, tmp_path):
    done = fourgig("run", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "nothing was run" in done.stdout
    for study in ("isolation", "lazy-loading", "memory", "load"):
        assert study in done.stdout
    assert list((tmp_path / "cwd").iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("systems", "asynchronous"),
        ("studies", "probe"),
        ("parts", "alone"),
        ("profiles", "4gb"),
        ("engines", "llama"),
    ],
)
def test_lists_name_what_is_registered_outside_packages_included(fourgig, kind, name):
    done = fourgig("list", kind)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["run"], ["compare"], ["report"], ["list"], ["doctor"]),
        *(["model"], ["model", "make"], ["model", "get"]),
        *(["systems"], ["systems", "install"], ["systems", "add"]),
    ],
)
def test_every_command_teaches(fourgig, arguments):
    done = fourgig(*arguments, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("command", "usual"), [("run", "smollm2:q4_0 if not given"), ("serve", "(default: 127.0.0.1)")]
)
def test_the_help_tells_what_is_usual(fourgig, command, usual):
    assert usual in " ".join(fourgig(command, "--help").stdout.split())


@pytest.mark.needs_root
def test_without_a_backend_it_stops_with_the_remedy_unless_told_otherwise(outside_package, tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("hiding the control groups from the command needs root and unshare")

    def without_control_groups(*arguments):
        hide = 'mount --make-rprivate / && mount -t tmpfs none /sys/fs/cgroup && exec "$0" "$@"'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", hide, FOURGIG, *arguments],
            env={**outside_package, "COLUMNS": "200", "PATH": "/nonexistent:/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    arguments = ("run", "probe", "--engine", "simulated", "--out", "run")
    error = sentence(without_control_groups(*arguments), 3)
    assert "systemd-run" in error
    assert "--allow-unenforced" in error
    assert not (tmp_path / "run").exists()
    assert without_control_groups("doctor").returncode == 3
    dry = without_control_groups(*arguments, "--dry-run")
    assert dry.returncode == 0
    assert "Note: Nothing here can enforce the profile 4gb" in dry.stderr
    done = without_control_groups(*arguments, "--allow-unenforced")
    assert done.returncode == 0, done.stderr
    assert "not enforced" in (tmp_path / "run" / "report.html").read_text().lower()


def test_a_setting_from_the_command_line_is_in_every_trial_that_does_not_choose_it(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    chosen = ("--set", "baseline.history_length=4", "--set", "asynchronous.history_length=6")
    few = only(work=("inference", "sleep"), subject=("baseline", "asynchronous", "serial"))
    simulated = ("--preset", "smoke", "--engine", "simulated", *few)
    done = fourgig("run", "isolation", *simulated, *chosen, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = {record.spec.system: record.spec.settings for record in records.read(out / "trials.jsonl")}
    assert found["baseline"]["history_length"] == 4
    assert found["asynchronous"]["history_length"] == 6
    assert "history_length" not in (found[None] or {})


@pytest.mark.long
def test_a_setting_of_an_engine_is_in_every_trial_that_uses_it_and_a_resumed_run_keeps_it(
    fourgig, tmp_path, enforcement
):
    out = tmp_path / "run"
    chosen = ("--set", "simulated.token_s=0.001", "--set", "asynchronous.history_length=4")
    few = only(work=("inference", "serial simulation"), system=("asynchronous",))
    simulated = ("--preset", "smoke", "--engine", "simulated", *few)
    done = fourgig("run", "load", *simulated, *chosen, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    assert read_info(out).settings == {"simulated": {"token_s": 0.001}, "asynchronous": {"history_length": 4}}
    engines = {record.spec.condition["work"]: record.spec.engine for record in records.read(out / "trials.jsonl")}
    assert engines["inference"].settings == {"token_s": 0.001}
    assert engines["serial simulation"].settings["token_s"] == 0.0005  # the study's own choice
    again = fourgig("run", "--resume", out, "--dry-run")
    assert again.returncode == 0, again.stderr
    assert "0 trials, about 0 s at the pace of this run" in again.stdout


@pytest.mark.long
def test_sampling_is_set_by_its_parts_and_a_record_holds_them(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    chosen = ("--set", "llama.sampling.temperature=0.7", "--set", 'llama.sampling={"top_k": 3, "stop": ["a,b"]}')
    few = ("--preset", "smoke", "--engine", "llama", "--model", "tiny", *only(subject=("asynchronous",)))
    done = fourgig("run", "load", *few, "--only", "work=inference", *chosen, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    parts = {"sampling.temperature": 0.7, "sampling.top_k": 3, "sampling.stop": '["a,b"]'}
    assert read_info(out).settings == {"llama": parts}
    [record] = records.read(out / "trials.jsonl")
    assert record.spec.engine.settings.items() >= parts.items()


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("asynchronous.histry_length=3", "did you mean history_length"),
        ("asynchronous.history_length=many", "cannot be 'many'"),
        ("asynchronos.history_length=3", "did you mean asynchronous"),
        ("simulatd.token_s=3", "did you mean simulated"),
        ("simulated.token_s=-1", "cannot be '-1'"),
        ("llama.context=4096", "did you mean context_tokens"),
        ("llama.model_path=a.gguf", "chosen by --model"),
        ("llama.temperature=0.7", "did you mean sampling.temperature"),
        ("batched.sampling=0.7", "set by its parts, such as batched.sampling.temperature"),
        ("history_length", "write SYSTEM.NAME=VALUE"),
    ],
)
def test_a_setting_that_does_not_fit_is_one_sentence(fourgig, assignment, said):
    done = fourgig("run", "isolation", "--set", assignment, "--dry-run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
