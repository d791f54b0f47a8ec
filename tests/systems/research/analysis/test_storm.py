"""Two hundred analyses that misbehave, killed, cancelled and orphaned at random moments: nothing of them is left."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.systems.research.analysis import programs, stormy
from tests.systems.research.analysis.seen import running

AGENTS = 13  # of eight analyses each, in both ways
KILLS = 8


@pytest.mark.parametrize("apart", [True, False])
def test_whatever_is_killed_when_no_process_is_left(tmp_path, apart):
    if apart and not namespaces():
        pytest.skip("this kernel, or who runs it, allows no namespace of processes")
    program = tmp_path / "programs.py"
    program.write_bytes(Path(programs.__file__).read_bytes())
    chance = random.Random(24)
    for number in range(AGENTS):
        command = [sys.executable, stormy.__file__, program, str(number), "apart" if apart else "here"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
            assert agent.stdout.readline() == b"begun\n"
            orphaned = chance.random() < 0.5
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.0, 0.1))  # the moment is the point
                kill(chance, victims(tmp_path, agent.pid, apart, orphaned))
            if orphaned:
                agent.kill()
    assert gone(tmp_path) == []


def victims(folder, agent, apart, orphaned):
    """Return what may be killed: everything; without a namespace not an overseer as well as its agent."""
    every = set(running(folder))
    if apart:
        return sorted(every)
    return sorted(every - ({pid for pid in every if parent(pid) == agent} if orphaned else {agent}))


def kill(chance, pids):
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)


def parent(pid):
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def gone(folder):
    """Return what is still there when all deadlines have passed and everything had time to end."""
    for _ in range(500):
        if not running(folder):
            break
        time.sleep(0.01)
    return running(folder)


def namespaces():
    look = "import ctypes, sys; libc = ctypes.CDLL(None)\n"
    look += "sys.exit(libc.unshare(0x20000000) and libc.unshare(0x30000000) and 1)"
    return subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
