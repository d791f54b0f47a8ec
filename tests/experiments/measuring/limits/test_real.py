"""The real kernel: what a limit does, what is counted, what is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.errors import CannotEnforce
from experiments.measuring.limits import kills
from experiments.measuring.limits.interface import Backend, RunGroup, TrialGroup
from experiments.measuring.limits.page_cache import evict
from experiments.measuring.profiles import Profile

pytestmark = pytest.mark.needs_limits

MIB = 2**20
PYTHON = [sys.executable, "-I", "-S", "-c"]
HOLD = "print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def run(real: Backend, small: Profile) -> Iterator[RunGroup]:
    group = real.open_run(f"test-{os.getpid()}", small)
    yield group
    group.close()
    assert not any(Path(path).exists() for path in group.clean_up_paths())


@contextlib.contextmanager
def started(trial: TrialGroup, code: str) -> Iterator[subprocess.Popen[str]]:
    """A confined process that is ready when the block begins, and allowed to end when it is left."""
    with subprocess.Popen(
        trial.command([*PYTHON, f"import sys\n{code}\n{HOLD}"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def test_a_process_beyond_the_limit_is_killed_and_counted(run: RunGroup) -> None:
    trial = run.trial("greedy")
    done = subprocess.run(trial.command([*PYTHON, "x = b'x' * (128 << 20)"]), check=False)
    memory = trial.memory()
    assert done.returncode == -signal.SIGKILL
    assert memory.oom_kills is not None
    assert memory.oom_kills >= 1


def enclose(run: RunGroup, memory_bytes: int) -> None:
    """Limit the group that encloses every trial of the run, as a container around the lab would be."""
    directory = next(each for each in map(Path, run.clean_up_paths()) if "/cpu" not in str(each))
    names = ("memory.max", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    for path in (directory / name for name in names):
        if path.exists():
            path.write_text(str(memory_bytes))


def test_a_kill_at_the_own_limit_is_told_from_one_at_a_limit_above(run: RunGroup, small: Profile) -> None:
    greedy = [*PYTHON, "x = b'x' * (128 << 20)"]
    own = run.trial("own")
    subprocess.run(own.command(greedy), check=False)
    kill = kills.of(own.memory(), small)
    assert kill is not None
    assert kill.at_its_limit
    assert "at the limit of 0.0625 GiB (small)" in kill.reason

    enclose(run, small.memory_bytes // 2)
    enclosed = run.trial("enclosed")
    done = subprocess.run(enclosed.command(greedy), check=False)
    memory = enclosed.memory()
    assert done.returncode == -signal.SIGKILL
    assert memory.oom_kills is not None
    assert memory.oom_kills >= 1
    kill = kills.of(memory, small)
    assert kill is not None
    assert not kill.at_its_limit
    assert "an enclosing group or the whole machine" in kill.reason


def test_a_page_cache_that_fills_the_own_limit_takes_no_blame_for_a_kill_at_a_limit_above(
    run: RunGroup, small: Profile, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.write_bytes(os.urandom(MIB) * 96)
    if evict([model]):
        pytest.skip("the temporary folder is in memory, so a file in it cannot be evicted")
    trial = run.trial("filled")
    code = f"file = open({str(model)!r}, 'rb')\nwhile file.read(1 << 20): pass"
    with started(trial, code):
        peak = trial.memory().peak_bytes
        enclose(run, small.memory_bytes // 2)
        subprocess.run(trial.command([*PYTHON, "x = b'x' * (48 << 20)"]), check=False)
    kill = kills.of(trial.memory(), small)
    assert peak is None or peak >= 0.9 * small.memory_bytes
    assert kill is not None
    assert not kill.at_its_limit


def test_a_mapped_file_larger_than_the_limit_fills_the_group_and_kills_no_one(
    run: RunGroup, small: Profile, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    with model.open("wb") as file:
        for _ in range(128):
            file.write(os.urandom(MIB))
    if evict([model]):
        pytest.skip("the temporary folder is in memory, so a file in it cannot be evicted")
    trial = run.trial("mapped")
    code = (
        f"import mmap\nfile = open({str(model)!r}, 'rb')\n"
        "mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "for _ in range(2):\n    sum(mapping[i] for i in range(0, len(mapping), 4096))"
    )
    with started(trial, code):
        memory = trial.memory()
    assert memory.oom_kills == 0
    assert memory.peak_bytes is None or memory.peak_bytes >= 0.9 * small.memory_bytes
    assert memory.file_bytes is not None
    assert memory.anonymous_bytes is not None
    assert memory.file_bytes >= 0.5 * small.memory_bytes > memory.anonymous_bytes


def test_heap_is_counted_as_anonymous_and_as_part_of_the_peak(run: RunGroup) -> None:
    trial = run.trial("heap")
    with started(trial, f"x = bytearray(b'x') * {32 * MIB}") as process:
        memory = trial.memory()
        assert process.pid in trial.pids()
    assert memory.anonymous_bytes is not None
    assert 32 * MIB <= memory.anonymous_bytes < 48 * MIB
    assert memory.peak_bytes is None or memory.peak_bytes >= 32 * MIB
    assert memory.current_bytes is not None
    assert memory.current_bytes >= memory.anonymous_bytes
    used = trial.cpu_seconds()
    assert used is None or used > 0


def test_a_process_is_inside_before_its_interpreter_starts(run: RunGroup) -> None:
    trial = run.trial("early")
    code = "seen = open('/proc/self/cgroup').read()\nassert 'early' in seen, seen"
    with started(trial, code):
        pass


def test_closing_ends_what_ignores_being_asked(real: Backend, small: Profile) -> None:
    run = real.open_run(f"stubborn-{os.getpid()}", small)
    trial = run.trial("stubborn")
    code = (
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid()\n    signal.pause()\n    os._exit(0)"
    )
    with started(trial, code) as process:
        process.terminate()
        inside = trial.pids()
        assert len(inside) == 2
        run.close()
        assert process.wait() == -signal.SIGKILL
    assert trial.pids() == []
    assert not any(Path(path).exists() for path in run.clean_up_paths())
    trial.remove()
    run.close()


def test_a_removed_trial_reads_as_unknown(run: RunGroup) -> None:
    trial = run.trial("gone")
    trial.remove()
    trial.remove()
    assert trial.memory().current_bytes is None
    assert trial.cpu_seconds() is None


def test_a_run_that_is_going_on_is_not_disturbed(real: Backend, run: RunGroup, small: Profile) -> None:
    trial = run.trial("busy")
    with started(trial, ""), pytest.raises(CannotEnforce, match="another run"):
        real.open_run(f"test-{os.getpid()}", small)
    assert trial.memory().current_bytes is not None


def test_asking_leaves_nothing_behind(real: Backend, small: Profile) -> None:
    before = Path("/proc/self/cgroup").read_text()
    for _ in range(3):
        assert real.availability(small).usable
    assert Path("/proc/self/cgroup").read_text() == before
