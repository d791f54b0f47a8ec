"""What an idle session keeps: some memory, and no thread and no descriptor."""

import asyncio
import gc
import subprocess
import sys
import threading
from pathlib import Path

from experiments.measuring.probes import memory
from experiments.workloads.conversations import conversations
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request

# Before anything is counted, what is bounded has been full: above all the turns that wait for the full-text
# index, and the words that are remembered.
WARM, SESSIONS, MOST_BYTES = 3_000, 1_000, 3 * 1024


async def footprint(folder):
    """Return what each of many sessions that asked once keeps: bytes; and threads and descriptors of all of them."""
    planned = conversations(1, WARM + SESSIONS, 1)
    scripts = Scripts(Script(f"user-{user}", turn.text, (turn.reply,)) for user, [turn] in enumerate(planned))
    engine = scripted(SimulatedEngine(SimulatedSettings(slots=8)), scripts)
    system = Asynchronous(AsynchronousSettings(sessions=10_000), engine, folder)
    await system.start()

    async def ask(first, last):
        for user in range(first, last):
            [turn] = planned[user]
            # Its own copy of the words, as a socket would bring it.
            await system.answer(
                Request(id=str(user), session=f"user-{user}", text=turn.text.encode().decode(), max_tokens=24,
                        observed=turn.observed)
            )  # fmt: skip
        while system.counters().saved < system.counters().turns:  # noqa: ASYNC110 - the saver tells nobody
            await asyncio.sleep(0.01)
        gc.collect()
        return memory.anonymous_bytes(), threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = await ask(0, WARM)
    after = await ask(WARM, WARM + SESSIONS)
    await system.close()
    return (after[0] - before[0]) / SESSIONS, after[1] - before[1], after[2] - before[2]


def test_an_idle_session_keeps_at_most_three_kibibytes_and_no_thread_and_no_descriptor(tmp_path):
    # In a process of its own: what other tests freed would hide what this one takes.
    code = (
        f"import asyncio, sys; from pathlib import Path; from {__name__} import footprint; "
        "print(*asyncio.run(footprint(Path(sys.argv[1]))))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    held, threads, descriptors = map(float, done.stdout.split())
    assert held <= MOST_BYTES
    assert threads == descriptors == 0
