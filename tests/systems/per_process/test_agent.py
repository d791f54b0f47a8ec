"""The agents that have a process each: when their processes run, and that none outlives what started it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, DeadlineExceeded, EngineError, SystemFailed
from systems.interface import Request
from systems.per_process.agent import PerProcess
from systems.per_process.settings import PerProcessSettings
from systems.server.hosting import host
from tests.systems.conversing import simulated


class Broken(SimulatedEngine):
    """Falls over at every question but a short one; will not load where it is told so."""

    def load(self):
        if self._settings.seed:
            raise EngineError("The model will not load.")
        super().load()

    def generate(self, call):
        if len(call.messages[-1].content) > 1_000:
            raise EngineError("The model fell over.")
        return super().generate(call)


def asked(session="s", text="How many bees?", **more):
    return Request(id=session, session=session, text=text, max_tokens=4, **more)


def workers():
    return [child for child in psutil.Process().children() if "systems.per_process.worker" in child.cmdline()]


def agents(folder, engine=None, **settings):
    return host(PerProcess(PerProcessSettings(**settings), engine or simulated(), folder))


async def test_a_session_has_a_process_from_its_first_turn_until_the_end(tmp_path):
    async with agents(tmp_path) as running:
        assert workers() == []
        await asyncio.gather(*(running.answer(asked(session)) for session in ("a", "b", "a")))
        first = {worker.pid for worker in workers()}
        await running.answer(asked("b"))
        assert len(first) == 2
        assert {worker.pid for worker in workers()} == first
        assert running.counters().turns == 4
    assert workers() == []
    assert running.counters().turns == 4


async def test_a_process_that_is_killed_is_an_error_and_the_next_turn_has_another(tmp_path):
    async with agents(tmp_path, SimulatedEngine(SimulatedSettings(token_s=60))) as running:
        first = threading.Event()
        turn = asyncio.create_task(running.answer(asked(), lambda _: first.set()))
        while not workers():  # noqa: ASYNC110 - nothing tells that a process has been started
            await asyncio.sleep(0)
        os.kill(workers()[0].pid, signal.SIGKILL)
        with pytest.raises(SystemFailed, match="ended by itself"):
            await turn
    async with agents(tmp_path) as running:
        await running.answer(asked())
        os.kill(workers()[0].pid, signal.SIGKILL)
        with pytest.raises(SystemFailed, match="ended by itself"):
            while True:  # it may still answer a turn before it dies
                await running.answer(asked())
        assert (await running.answer(asked())).text
        await running.answer(asked("other"))
        assert len(workers()) == 2


async def test_what_fails_in_a_process_fails_here_in_the_same_way(tmp_path):
    async with agents(tmp_path, Broken(SimulatedSettings())) as running:
        with pytest.raises(EngineError, match="fell over"):
            await running.answer(asked(text="bees " * 1_000))
        assert (await running.answer(asked())).text
    async with agents(tmp_path, Broken(SimulatedSettings(seed=1))) as running:
        with pytest.raises(EngineError, match="will not load"):
            await running.answer(asked())
        assert workers() == []


async def test_a_late_turn_is_given_up_and_the_next_one_is_answered(tmp_path):
    # The first of two turns computes for an hour, unless it is told that nobody waits.
    engine = SimulatedEngine(SimulatedSettings(token_s=0.05))
    async with agents(tmp_path, engine) as running:
        await running.answer(asked())
        with pytest.raises(DeadlineExceeded):
            await running.answer(Request(id="1", session="s", text="Tell me all.", max_tokens=72_000, deadline_s=0.2))
        assert (await running.answer(asked())).text
        assert running.counters().deadline_exceeded == 1


async def test_beyond_the_number_of_sessions_the_least_recently_asked_process_ends(tmp_path):
    async with agents(tmp_path, sessions=2) as running:
        for session in "abac":
            await running.answer(asked(session))
        left = {worker.pid for worker in workers()}
        assert len(left) == 2
        await running.answer(asked("a"))
        assert {worker.pid for worker in workers()} == left
        assert running.counters().turns == 5


async def test_an_engine_that_no_other_process_can_be_given_is_refused(tmp_path):
    engine = simulated()
    engine.__class__ = type("Local", (SimulatedEngine,), {})
    with pytest.raises(BadInput, match="cannot be made again in another process"):
        await agents(tmp_path, engine).start()


_PARENT = """
import asyncio, sys
from pathlib import Path
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from systems.per_process.agent import PerProcess
from systems.per_process.settings import PerProcessSettings
from systems.server.hosting import host

async def main():
    engine = SimulatedEngine(SimulatedSettings(token_s=3600 if sys.argv[2] == "busy" else 0))
    async with host(PerProcess(PerProcessSettings(), engine, Path(sys.argv[1]))) as running:
        def began(_): print("began", flush=True)
        await running.answer(Request(id="1", session="s", text="How many bees?", max_tokens=4), began)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_whatever_ends_the_parent_no_process_is_left(tmp_path, ending, state):
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path), state], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if state == "idle":
        assert parent.stdout.readline() == b"began\n"
        children = psutil.Process(parent.pid).children()
    else:
        children = []
        while not children:
            children = psutil.Process(parent.pid).children()
    assert len(children) == 1
    parent.send_signal(ending)
    parent.wait(30)
    parent.stdout.close()
    assert psutil.wait_procs(children, timeout=30)[1] == []
