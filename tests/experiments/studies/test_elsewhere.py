"""A system of several processes in another interpreter goes through all four studies, with all its package brings."""

import shutil
import subprocess
import sys
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pytest

from experiments.analysis import work
from experiments.measuring import records
from experiments.measuring.records import Outcome
from experiments.studies.subjects import REPLY_TOKENS
from systems.elsewhere.system import Elsewhere
from systems.errors import DeadlineExceeded, SystemClosed, SystemFailed
from systems.interface import Request
from tests.experiments.elsewhere_system import WORKER_BYTES

STUDIES = ("isolation", "lazy-loading", "memory", "load")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return an interpreter in which nothing is installed but the system's own module."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    shutil.copy(Path(__file__).parents[1] / "elsewhere_system.py", packages)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def command(in_folder, python, enforcement, tmp_path_factory):
    """Return a function that runs the command with the system of another interpreter, and its output."""

    def run(*arguments, interpreter=python):
        folder = tmp_path_factory.mktemp("cwd")
        return in_folder(folder, "run", *arguments, *enforcement, ELSEWHERE_PYTHON=str(interpreter))

    return run


@pytest.fixture(scope="module")
def measured(command, tmp_path_factory):
    """Return the folder of a run of all four studies, in which users say what the package's workload says."""
    out = tmp_path_factory.mktemp("run") / "out"
    chosen = ("--systems", "elsewhere", "--only", "system=elsewhere", "--workload", "shop")
    done = command(*STUDIES, "long-questions", *chosen, "--preset", "smoke", "--engine", "simulated", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def trials(measured):
    """Return the records of the run by study."""
    found = defaultdict(list)
    for record in records.read(measured / "trials.jsonl"):
        found[record.spec.study].append(record)
    return found


@pytest.mark.long
def test_it_goes_through_all_four_studies(trials):
    assert set(trials) == {*STUDIES, "long-questions"}
    for record in chain.from_iterable(trials.values()):
        assert record.outcome is Outcome.OK, record.reason
        assert record.spec.workload == "shop"
        assert record.spec.engine is None or record.spec.engine_apart


@pytest.mark.long
def test_it_does_equal_work_and_no_call_is_unforeseen(trials):
    asked = [record for study in ("isolation", "load") for record in trials[study]]
    rows = [row for record in asked for part in record.parts for row in part.requests]
    assert {(row.outcome, row.generated_tokens) for row in rows} == {("ok", REPLY_TOKENS)}
    for record in chain.from_iterable(trials.values()):
        if record.spec.engine is not None:
            assert record.part("engine") is not None
            assert "unplanned_calls" not in record.part("engine").counters
    # Each of its turns has two calls, whatever it says of itself: they were counted in the engine's own process.
    for record in asked:
        work_done = work.of(record)
        turns = work_done.answered + work_done.warm_up
        assert (work_done.calls, work_done.generated_tokens) == (2 * turns, 2 * turns * REPLY_TOKENS)


@pytest.mark.long
def test_its_memory_and_processor_time_are_those_that_the_group_counted(trials):
    for record in trials["load"]:
        looks = record.outside.looks
        assert {look.counted for look in looks.values()} == {"group"} or not record.enforced
        names = [use.name for use in looks["served"].processes]
        assert len(names) >= 4  # the engine, the lab's part of the subject, the system, its worker
        assert sum(use.anonymous_bytes for use in looks["served"].processes) > WORKER_BYTES
        assert looks["served"].cpu_seconds > looks["serving"].cpu_seconds
    [start] = [record for record in trials["lazy-loading"] if record.spec.engine is not None]
    assert start.part().memory["ready"].anonymous_bytes > WORKER_BYTES


@pytest.mark.long
def test_the_report_has_the_metric_and_the_figure_of_its_package(measured):
    page = (measured / "report.html").read_text()
    assert "Parity of the seed" in page
    assert "An outside figure of" in page
    assert "the engine runs in a process of its own" in page


def test_it_does_equal_work_on_a_real_model_too(command, tmp_path):
    out = tmp_path / "run"
    chosen = ("--systems", "elsewhere", "--only", "system=elsewhere", "--part", "inference", "--model", "tiny")
    done = command("isolation", *chosen, "--preset", "smoke", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    [record] = records.read(out / "trials.jsonl")
    assert {(row.outcome, row.generated_tokens) for row in record.part().requests} == {("ok", REPLY_TOKENS)}


def test_what_keeps_it_from_running_is_one_sentence_before_the_run(command, python, tmp_path):
    done = command("load", "--systems", "elsewhere", "--dry-run", interpreter="/nowhere/bin/python")
    assert done.returncode == 2
    assert "There is no interpreter /nowhere/bin/python" in done.stderr
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    done = command("load", "--systems", "elsewhere", "--dry-run", interpreter=bare / "bin" / "python")
    assert done.returncode == 2
    assert "The system 'elsewhere' cannot be imported by" in done.stderr
    assert "No module named 'elsewhere_system'" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_process_that_dies_is_an_error_for_whoever_waits(python, tmp_path):
    nobody = "http://127.0.0.1:9/v1"
    system = Elsewhere(
        {"greeting": ""}, nobody, tmp_path, interpreter=str(python), implementation="elsewhere_system:Elsewhere"
    )
    await system.start()
    with pytest.raises(SystemFailed, match="URLError"):
        await system.answer(Request(id="1", session="a", text="hello"))
    with pytest.raises(DeadlineExceeded):
        await system.answer(Request(id="2", session="a", text="hello", deadline_s=1e-6))
    system._process.kill()
    with pytest.raises((SystemFailed, SystemClosed)):
        await system.answer(Request(id="3", session="a", text="hello"))
    with pytest.raises((SystemFailed, SystemClosed)):
        await system.close()
