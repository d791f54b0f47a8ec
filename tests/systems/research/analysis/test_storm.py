"""Analyses that misbehave, killed, cancelled and orphaned at random moments: nothing of them is left."""

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

AGENTS = 13  # of eight analyses each, two hundred in both ways, where it may take long
KILLS = 8


@pytest.mark.parametrize("agents", [2, pytest.param(AGENTS, marks=pytest.mark.long)])
def test_whatever_is_killed_when_no_process_is_left(tmp_path, apart, agents):
    program = copied(tmp_path)
    chance = random.Random(24)
    for number in range(agents):
        command = [sys.executable, stormy.__file__, program, str(number), "apart" if apart else "here"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
            assert agent.stdout.readline() == b"begun\n"
            orphaned = number % 2 == 1
            time.sleep(chance.uniform(0.0, 0.8))  # the moment is the point: at the start, or in the middle
            for _ in range(chance.randint(1, KILLS)):
                time.sleep(chance.uniform(0.0, 0.1))
                kill(chance, tmp_path, agent.pid, apart, orphaned)
            if orphaned:
                agent.kill()
        assert gone(tmp_path) == []


@pytest.mark.parametrize("function", ["hangs_with_grandchild", "hangs_with_daemon"])
@pytest.mark.parametrize("killed", ["overseer", "agent", "both"])
def test_who_oversees_may_be_killed(tmp_path, apart, function, killed):
    """With work in the middle of it, and a process that the work had started."""
    if killed == "both" and not apart:
        pytest.skip("without a namespace what the work had started is left then, as the page says")
    program = copied(tmp_path)
    call = f"stormy.alone(Path({str(program)!r}), {function!r}, {apart})"
    code = f"from pathlib import Path; from tests.systems.research.analysis import stormy; {call}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as agent:
        [overseer] = until(lambda: [pid for pid in running(tmp_path) if parent(pid) == agent.pid])
        until(lambda: any(b"sleep" in arguments(pid) for pid in running(tmp_path)))
        os.kill(agent.pid, signal.SIGSTOP)  # so that it has no chance to notice anything in between
        if killed != "agent":
            os.kill(overseer, signal.SIGKILL)
        os.kill(agent.pid, signal.SIGCONT if killed == "overseer" else signal.SIGKILL)
        said, _ = agent.communicate()
    assert said == ("crashed\n" if killed == "overseer" else "")
    assert gone(tmp_path) == []


def copied(folder):
    program = folder / "programs.py"
    program.write_bytes(Path(programs.__file__).read_bytes())
    return program


def until(condition):
    while not (found := condition()):
        time.sleep(0.01)
    return found


def arguments(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def kill(chance, folder, agent, apart, orphaned):
    """Kill one of the overseers, or of the others; without a namespace not an overseer as well as its agent."""
    every = set(running(folder))
    overseers = {pid for pid in every if parent(pid) == agent}
    others = every - overseers - {agent}
    if orphaned and not apart:
        overseers = set()
    chosen = sorted(overseers if chance.random() < 0.5 else others)
    if chosen:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(chosen), signal.SIGKILL)


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


@pytest.fixture(params=[True, False], ids=["apart", "here"])
def apart(request):
    """Whether the processes have a namespace of their own."""
    if request.param and not namespaces():
        pytest.skip("this kernel, or who runs it, allows no namespace of processes")
    return request.param


def namespaces():
    look = "import ctypes, sys; libc = ctypes.CDLL(None)\n"
    look += "sys.exit(libc.unshare(0x20000000) and libc.unshare(0x30000000) and 1)"
    return subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
