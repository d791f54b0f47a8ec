"""What is around a run (others' limits, fewer processors, busy neighbours) is never taken for the system's own."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from experiments.measuring import records
from experiments.measuring.limits.kernel import Kernel, joining
from experiments.measuring.records import Outcome
from tests.experiments.conftest import FOURGIG

PYTHON = [sys.executable, "-I", "-S", "-c"]
HOLDS = "import sys; held = b'x' * (100 << 20); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def group_of():
    """Return a function that makes a cgroup v1 group below our own, which is removed in the end."""
    kernel, made = Kernel(), []

    def make(controller):
        found = kernel.hierarchy(controller)
        if found is None or not kernel.may_write(found[1]):
            pytest.skip(f"no cgroup v1 hierarchy of {controller} can be written here")
        group = found[1] / f"fourgig-around-{os.getpid()}"
        kernel.make_group(group)
        made.append(group)
        return group

    yield make
    kernel.remove_groups(made)


@pytest.fixture
def run_inside(outside_package, tmp_path):
    """Return a function that runs the study of ways to end inside a group, and gives the records by subject."""

    def run(groups, ways, *arguments):
        done = subprocess.run(
            joining(groups, [str(FOURGIG), "run", "probe", "--engine", "simulated", "--out", "run", *arguments]),
            env={**outside_package, "PROBE": ways, "COLUMNS": "200"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, {one.spec.subject: one for one in records.read(tmp_path / "run" / "trials.jsonl")}

    return run


@contextmanager
def neighbours(group: Path, count: int):
    """Let so many processes hold 100 MiB each in ``group``: the kernel kills whoever is larger first."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(joining([group], [*PYTHON, HOLDS]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(process.stdin.close)
            assert process.stdout.readline() == b"ready\n"
        yield


@pytest.mark.needs_root
@pytest.mark.needs_limits
def test_a_kill_at_the_limit_of_an_enclosing_group_voids_the_trial_and_spares_the_profile(group_of, run_inside):
    enclosing = group_of("memory")
    (enclosing / "memory.limit_in_bytes").write_text(str(1280 * 2**20))
    with neighbours(enclosing, 7):
        done, found = run_inside([enclosing], "allocates,fine", "--blocks", "1", "--profile", "1gb")
    assert done.returncode == 0, done.stderr
    assert found["fine"].outcome is Outcome.OK
    assert found["allocates"].outside.group.oom_kills >= 1
    assert found["allocates"].outside.group.peak_bytes < 0.9 * 2**30
    assert found["allocates"].outcome is Outcome.INVALID
    assert "an enclosing group or the whole machine was out of memory" in found["allocates"].reason


@pytest.mark.needs_root
def test_a_mount_point_that_is_no_text_is_nobody_s_death(outside_package, tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a mount of one's own needs root and unshare")
    point = os.fsencode(tmp_path) + b"/t\xe9l\xe9"
    os.mkdir(point)  # noqa: PTH102 - a name that is no text
    hide = 'mount --make-rprivate / && mount -t tmpfs none "$0" && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, point, FOURGIG, "doctor"],
        env={**outside_package, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "limits" in done.stdout
    assert "Traceback" not in done.stderr
