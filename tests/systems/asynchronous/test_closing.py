"""Starting and closing: what was begun is waited for, and nothing stays behind."""

import asyncio
import subprocess
import sys
import threading

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from tests.systems.asynchronous.asking import Shaky, ask, until


def own_threads():
    """The threads that are not the event loop's own, which it keeps."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio")}


class Unloadable(Shaky):
    def load(self):
        raise EngineError("The model will not load.")


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path):
    before = own_threads()
    system = Asynchronous(AsynchronousSettings(lazy_loading=False), Unloadable(), tmp_path)
    with pytest.raises(EngineError):
        await system.start()
    assert own_threads() <= before


@pytest.mark.parametrize("pauses", [0, 1, 3, 10])
async def test_closing_during_warm_up_waits_for_it_and_leaves_nothing_behind(tmp_path, pauses):
    before = own_threads()
    engine = SimulatedEngine(SimulatedSettings(load_s=0.05))
    system = Asynchronous(AsynchronousSettings(warm_up=True), engine, tmp_path)
    await system.start()
    for _ in range(pauses):
        await asyncio.sleep(0)
    await system.close()
    assert own_threads() <= before


NOT_CLOSED = """
import asyncio, sys
from pathlib import Path
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request

async def main():
    agent = Asynchronous(AsynchronousSettings(), SimulatedEngine(SimulatedSettings()), Path(sys.argv[1]))
    await agent.start()
    await agent.answer(Request(id="1", session="anna", text="Where do bees live?", max_tokens=3))
    raise SystemExit(7)

asyncio.run(main())
"""


def test_a_program_that_fails_before_it_closes_its_agent_ends(tmp_path):
    assert subprocess.run([sys.executable, "-c", NOT_CLOSED, tmp_path], timeout=60, check=False).returncode == 7


async def test_closing_waits_for_a_load_whose_caller_has_left(tmp_path):
    before = own_threads()
    system = Asynchronous(AsynchronousSettings(), Shaky(), tmp_path)
    await system.start()
    turn = asyncio.create_task(system.answer(ask()))
    await until(lambda: any(task.get_name() == "load long-term memory" for task in asyncio.all_tasks()))
    turn.cancel()
    await asyncio.wait([turn])
    await system.close()
    assert own_threads() <= before


async def test_a_failed_warm_up_is_counted_and_logged(tmp_path, lines):
    system = Asynchronous(AsynchronousSettings(warm_up=True), Unloadable(), tmp_path)
    await system.start()
    with pytest.raises(EngineError):
        await system.answer(ask())
    assert system.counters().warm_up_failures == 1
    await system.close()
    [line] = [line for line in lines() if line["event"] == "warm-up failed"]
    assert (line["level"], line["error"]) == ("WARNING", "EngineError")
