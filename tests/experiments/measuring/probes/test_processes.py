"""A process that is alone is read as one, whatever has ended below it."""

import os
import subprocess
import sys

import psutil
import pytest

from experiments.measuring.probes import memory, processes
from experiments.measuring.records import Part
from experiments.metrics import get
from experiments.metrics.interface import Missing
from tests.experiments.analysis import synthetic

ENDED_CHILD = """
import os
from experiments.measuring.probes import memory
from experiments.measuring.probes.processes import Inside, has_children

child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
assert has_children()
read, alone = Inside().sample(), memory.sample()
assert read.processes == (), read
assert abs(read.file_bytes - alone.file_bytes) < 2**20, (read, alone)
assert abs(Inside().anonymous_bytes() - memory.anonymous_bytes()) < 2**20
"""


def test_a_child_that_has_ended_and_was_not_waited_for_changes_no_figure():
    done = subprocess.run([sys.executable, "-c", ENDED_CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


STRANGELY_NAMED = """
import ctypes, os
from experiments.measuring.limits import janitor
from experiments.measuring.probes import memory, processes

ctypes.CDLL(None).prctl(15, b"\\xff\\xfe\\xe9")
assert memory.anonymous_bytes() > 0
assert processes.cpu_seconds(os.getpid()) >= 0
[use] = processes.uses([os.getpid()])
assert use.name == "\\ufffd" * 3, use
assert janitor._started(os.getpid()).isdigit()
"""


def test_a_process_that_calls_itself_what_is_no_text_is_read_like_any_other():
    done = subprocess.run([sys.executable, "-c", STRANGELY_NAMED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def older_kernel(monkeypatch):
    """Let the kernel's sums lack the kinds of a process's part, as before Linux 5.4."""
    told = memory._kilobytes

    def without(path):
        return {name: size for name, size in told(path).items() if not name.startswith("Pss_")}

    monkeypatch.setattr(memory, "_kilobytes", without)


def test_where_the_kernel_does_not_tell_the_kinds_of_memory_apart_no_process_is_dropped(older_kernel):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        uses = processes.uses([os.getpid(), child.pid])
        together, growing = processes.Inside().sample(), processes.Inside().anonymous_bytes()
        others = psutil.Process().children(recursive=True)  # other tests may have left one, or one that has ended
        running = 1 + sum(other.status() != psutil.STATUS_ZOMBIE for other in others)
        child.stdin.close()
    assert len(uses) == 2
    assert len(together.processes) == running
    assert all(use.pss_bytes > 0 and use.anonymous_bytes is None and use.file_bytes is None for use in uses)
    assert together.pss_bytes == sum(use.pss_bytes for use in together.processes)
    assert (together.anonymous_bytes, together.file_bytes, growing) == (None, None, None)
    assert memory.sample().anonymous_bytes > 0  # of one process alone it is told


def test_a_memory_that_was_not_told_is_missing_in_every_figure_made_of_it(older_kernel):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        sample = processes.Inside().sample()
        child.stdin.close()
    part = Part(role="subject", memory={"ready": sample, "agent": sample})
    record = synthetic.record(synthetic.spec("lazy-loading", "baseline"), part)
    for name in ("memory_at_ready", "file_memory_at_ready", "load_anonymous_agent"):
        value = get(name).of(record)
        assert isinstance(value, Missing), name
        assert "5.4" in value.reason
