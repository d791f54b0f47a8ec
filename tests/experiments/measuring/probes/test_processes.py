"""A process that is alone is read as one, whatever has ended below it."""

import subprocess
import sys

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
