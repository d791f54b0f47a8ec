"""A run that is stopped, killed or starved goes on where it was: nothing measured is lost, nothing is left behind."""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.errors import RunFolderError, StorageError
from experiments.measuring import records
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec, Outcome, Outside, Record, TrialSpec
from experiments.measuring.runs import RunFolder, read_info
from tests.experiments.conftest import FOURGIG

WAYS = "naps-1,naps-2,naps-3,naps-4"


@pytest.fixture
def start(outside_package, enforcement, tmp_path):
    """Start a run of eight short trials in the background, and wait until its second trial is recorded."""

    def start(out):
        process = subprocess.Popen(
            [FOURGIG, "run", "probe", "--engine", "simulated", "--blocks", "2", "--out", str(out), *enforcement],
            env={**outside_package, "PROBE": WAYS, "COLUMNS": "200"},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        wait_until(lambda: len(records.read(out / "trials.jsonl")) >= 2 or process.poll() is not None)
        return process

    return start


def wait_until(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited for a minute in vain")


def left_behind(tmp_path):
    """Name the processes, groups and folders of a run that should be gone."""
    processes = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"experiments.measuring.role" in command and str(tmp_path).encode() in command:
                processes.append(command)
    run_ids = {folder.name for folder in holding(tmp_path, ".work")}
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob("*/fourgig-*") if owned(path, tmp_path)]
    return processes, groups, run_ids


def holding(tmp_path, name):
    """Return the folders that hold ``name``, while others may be vanishing."""
    return [Path(root) for root, folders, files in os.walk(tmp_path) if name in folders or name in files]


def owned(group, tmp_path):
    written = [(folder / "run.json").read_text() for folder in holding(tmp_path, "run.json")]
    ids = {text.split('"run_id": "')[1].split('"')[0] for text in written}
    return any(run_id in group.name for run_id in ids)


def complete(out):
    found = records.read(out / "trials.jsonl")
    keys = [record.key for record in found]
    assert len(keys) == len(set(keys)) == 8
    assert {(record.spec.subject, record.spec.block) for record in found} == {
        (way, block) for way in WAYS.split(",") for block in (0, 1)
    }
    return keys


def test_a_runner_killed_in_the_middle_leaves_nothing_and_resumes_to_the_same_set(
    start, fourgig, tmp_path, enforcement
):
    out = tmp_path / "killed"
    process = start(out)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: left_behind(tmp_path) == ([], [], set()))
    before = [record.key for record in records.read(out / "trials.jsonl")]
    with (out / "trials.jsonl").open("ab") as file:
        file.write(b'{"schema_version":1,"key":"torn')
    done = fourgig("run", "--resume", out, *enforcement, PROBE=WAYS)
    assert done.returncode == 0, done.stderr
    assert complete(out)[: len(before)] == before
    assert (out / "report.html").exists()
    again = fourgig("run", "--resume", out, *enforcement, PROBE=WAYS)
    assert again.returncode == 0
    assert "0 of 8 trials to run" in again.stderr


@pytest.mark.long
def test_a_closed_terminal_and_an_impatient_second_interrupt_leave_nothing(
    start, outside_package, fourgig, tmp_path, enforcement
):
    out = tmp_path / "left"
    process = start(out)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    wait_until(lambda: left_behind(tmp_path) == ([], [], set()))
    again = subprocess.Popen(
        [FOURGIG, "run", "--resume", str(out), *enforcement],
        env={**outside_package, "PROBE": WAYS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    kept = len(records.read(out / "trials.jsonl"))
    wait_until(lambda: len(records.read(out / "trials.jsonl")) > kept or again.poll() is not None)
    again.send_signal(signal.SIGINT)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    wait_until(lambda: left_behind(tmp_path) == ([], [], set()))
    assert fourgig("run", "--resume", out, *enforcement, PROBE=WAYS).returncode == 0
    complete(out)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_an_interrupt_is_one_sentence_and_130_and_the_run_goes_on(start, fourgig, tmp_path, enforcement, signal_number):
    out = tmp_path / "interrupted"
    process = start(out)
    process.send_signal(signal_number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Interrupted." in stderr
    assert f"--resume {out}" in stderr
    assert "Traceback" not in stderr
    wait_until(lambda: left_behind(tmp_path) == ([], [], set()))
    assert fourgig("run", "--resume", out, *enforcement, PROBE=WAYS).returncode == 0
    complete(out)


def test_an_interrupt_while_a_model_is_made_leaves_no_half_of_it(outside_package, tmp_path):
    process = subprocess.Popen(
        [FOURGIG, "model", "make", "3b", "--out", str(tmp_path / "models" / "3b.gguf")],
        env=outside_package,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: process.poll() is not None or any((tmp_path / "models").glob("*")))
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == "Interrupted. No model was left half made; the same command begins anew."
    assert list((tmp_path / "models").iterdir()) == []


def test_more_blocks_are_added_to_a_finished_run(fourgig, finished, tmp_path, enforcement):
    out = finished(tmp_path / "run")
    done = fourgig("run", "--resume", out, "--blocks", "3", *enforcement)
    assert done.returncode == 0, done.stderr
    assert sorted(record.spec.block for record in records.read(out / "trials.jsonl")) == [0, 1, 2]


ON_A_MODEL = ("probe", "--engine", "llama", "--blocks", "1")


@pytest.mark.long
def test_a_run_on_a_model_file_is_resumed_with_that_file_only(fourgig, tiny_model, tmp_path, enforcement):
    out = tmp_path / "run"
    arguments = (*ON_A_MODEL, "--model", tiny_model, "--out", out)
    assert fourgig("run", *arguments, *enforcement).returncode == 0
    nameless = fourgig("run", "--resume", out, "--blocks", "2", *enforcement)
    assert nameless.returncode == 2
    assert "--model" in nameless.stderr
    other = fourgig("run", "--resume", out, "--blocks", "2", "--model", "tiny:q8_0:5", *enforcement)
    assert other.returncode == 6
    assert re.search(r"began: model: fourgig tiny.* against fourgig tiny", other.stderr)
    assert fourgig("run", "--resume", out, "--blocks", "2", "--model", tiny_model, *enforcement).returncode == 0
    first, second = (
        [record.spec.condition for record in records.read(out / "trials.jsonl") if record.spec.block == block]
        for block in (0, 1)
    )
    assert len(first) == len(second) > 0


@pytest.mark.long
def test_a_run_on_a_made_model_is_resumed_without_naming_it(fourgig, tmp_path, enforcement):
    out = tmp_path / "run"
    arguments = (*ON_A_MODEL, "--model", "tiny", "--out", out)
    assert fourgig("run", *arguments, *enforcement).returncode == 0
    resumed = fourgig("run", "--resume", out, "--blocks", "2", *enforcement)
    assert resumed.returncode == 0, resumed.stderr
    found = records.read(out / "trials.jsonl")
    assert {(record.spec.block, record.outcome) for record in found} == {(0, Outcome.OK), (1, Outcome.OK)}


def test_a_second_runner_in_the_folder_is_told_so(fourgig, finished, tmp_path, enforcement):
    out = finished(tmp_path / "shared")
    with RunFolder(out):
        second = fourgig("run", "--resume", out, "--blocks", "2", *enforcement)
    assert second.returncode == 6
    assert "Another runner" in second.stderr
    assert len(records.read(out / "trials.jsonl")) == 1


def test_a_folder_that_holds_a_run_is_not_overwritten(fourgig, finished, tmp_path, enforcement):
    out = finished(tmp_path / "run")
    again = fourgig("run", "probe", "--engine", "simulated", "--out", out, "--blocks", "1", *enforcement)
    assert again.returncode == 6
    assert "--resume" in again.stderr


@contextmanager
def small_disk(folder, size):
    """Mount a small file system in memory, or skip."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small file system failed: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.needs_root
def test_a_disk_that_fills_up_stops_the_run_with_what_was_measured_safe(fourgig, tmp_path, enforcement):
    with small_disk(tmp_path / "small", "70m") as disk:
        out = disk / "run"
        begun = ("run", "probe", "--engine", "simulated", "--blocks", "2", "--out", out)
        done = fourgig(*begun, *enforcement, PROBE="fills")
        assert done.returncode == 5, done.stderr
        assert "space" in done.stderr
        assert "--resume" in done.stderr
        assert "Traceback" not in done.stderr
        assert len(records.read(out / "trials.jsonl")) == 1
        (out / "filler").unlink()
        again = fourgig("run", "--resume", out, *enforcement, PROBE="fills")
        assert len(records.read(out / "trials.jsonl")) == 2, again.stderr


def record(number=0):
    spec = TrialSpec(
        study="probe",
        condition={"n": number},
        subject="fine",
        engine=EngineSpec(name="simulated"),
        profile=load("4gb"),
        block=0,
        seed=1,
        timeout_s=1.0,
        code_version="0",
    )
    return Record(
        key=spec.key,
        spec=spec,
        outcome=Outcome.OK,
        backend="none",
        enforced=False,
        started_at="2025-01-01T00:00:00+00:00",
        outside=Outside(group=GroupMemory()),
    )


@pytest.mark.needs_root
def test_a_record_that_does_not_fit_leaves_the_earlier_ones_whole(tmp_path):
    with small_disk(tmp_path / "small", "16k") as disk:
        path = disk / "trials.jsonl"
        with pytest.raises(StorageError, match="No space left"):
            for number in range(100):
                records.append(path, record(number))
        kept = records.read(path)
        assert [one.spec.condition["n"] for one in kept] == list(range(len(kept)))
        assert len(kept) > 3
        assert path.read_bytes().endswith(b"\n")


@pytest.mark.needs_root
def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(fourgig, finished, tmp_path, enforcement):
    with small_disk(tmp_path / "small", "70m") as disk:
        out = finished(disk / "run")
        new = ("run", "probe", "--engine", "simulated", "--blocks", "1", "--out")
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for command in ((*new, disk / "another"), ("run", "--resume", out, "--blocks", "2"), ("report", out)):
            refused = fourgig(*command, *(enforcement if command[0] == "run" else ()))
            assert refused.returncode == 5, refused.stderr
            assert "Read-only file system" in refused.stderr
            assert "Traceback" not in refused.stderr
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.needs_root
def test_a_report_that_does_not_fit_leaves_the_records_whole(fourgig, finished, tmp_path):
    with small_disk(tmp_path / "small", "70m") as disk:
        out = finished(disk / "run")
        before = (out / "trials.jsonl").read_bytes()
        (out / "filler").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
        refused = fourgig("report", out)
        assert refused.returncode == 5, refused.stderr
        assert "No space left" in refused.stderr
        assert "Traceback" not in refused.stderr
        (out / "filler").unlink()
        assert fourgig("report", out).returncode == 0
        assert (out / "trials.jsonl").read_bytes() == before


def test_a_run_description_that_was_cut_short_is_told_so(finished, tmp_path):
    out = finished(tmp_path / "run")
    whole = (out / "run.json").read_bytes()
    for left in (b"", whole[: len(whole) // 2], b"[]", b"null"):
        (out / "run.json").write_bytes(left)
        with pytest.raises(RunFolderError, match="not a run description"):
            read_info(out)


def test_a_torn_last_line_is_dropped_when_read_and_cut_off_when_written(tmp_path):
    path = tmp_path / "trials.jsonl"
    records.append(path, record(1))
    whole = path.read_bytes()
    # After a power cut some file systems leave zeros where the line should be.
    for torn in (whole[:1], whole[: len(whole) // 2], whole[:-1], bytes(len(whole))):
        path.write_bytes(whole + torn)
        assert len(records.read(path)) == 1
    records.append(path, record(2))
    assert [one.spec.condition["n"] for one in records.read(path)] == [1, 2]


def test_a_whole_line_that_is_no_record_is_an_error_with_its_number(tmp_path):
    path = tmp_path / "trials.jsonl"
    records.append(path, record(1))
    with path.open("ab") as file:
        file.write(b'{"schema_version": 1, "key": 7}\n')
    with pytest.raises(RunFolderError, match="line 2"):
        records.read(path)
    path.write_bytes(b'{"schema_version": 99}\n')
    with pytest.raises(RunFolderError, match="schema 99"):
        records.read(path)


def test_the_key_covers_what_was_measured_and_not_how_long_one_would_wait():
    import msgspec

    spec = record().spec
    assert msgspec.structs.replace(spec, timeout_s=99.0, labels=("note",)).key == spec.key
    for change in ({"seed": 2}, {"block": 1}, {"code_version": "1"}, {"subject": "x"}, {"profile": load("2gb")}):
        assert msgspec.structs.replace(spec, **change).key != spec.key
