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
