"""Questions to the asynchronous agent whose parts fail, for tests."""

import asyncio

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Observed, Request

OBSERVED = Observed(clock="2025-01-01 10:00", system="processor 10 %", emotion="neutral")


SECRET = "My hidden hobby is beekeeping"


def ask(number=1, **fields):
    fields = {"session": "anna", "text": SECRET, "max_tokens": 3, "observed": OBSERVED, **fields}
    return Request(id=str(number), **fields)


class Shaky(SimulatedEngine):
    """Fails with each of ``failures`` in turn, after ``spoken`` tokens, then works."""

    def __init__(self, *failures, spoken=0):
        super().__init__(SimulatedSettings())
        self.failures = list(failures)
        self.spoken = spoken
        self.calls = 0

    def generate(self, call):
        self.calls += 1
        if self.failures:
            for _ in range(self.spoken):
                call.on_token("word ")
            raise self.failures.pop(0)
        return super().generate(call)


async def until(condition):
    while not condition():  # noqa: ASYNC110 - it is another thread, or another task's inside, that is waited for
        await asyncio.sleep(0.001)


async def answered(folder, request, engine=None, on_token=None, **settings):
    system = Asynchronous(AsynchronousSettings(**settings), engine or Shaky(), folder)
    await system.start()
    try:
        return await system.answer(request, on_token), system.counters()
    finally:
        await system.close()


def raising(error):
    def fail(*_, **__):
        raise error

    return fail
