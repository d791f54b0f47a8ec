"""Callers who want the same share one call."""

import asyncio
import math

from systems.mechanisms.single_flight import SingleFlight
from systems.mechanisms.wanted import Wanted


async def test_callers_share_one_call_and_its_exception():
    flights, calls, release = SingleFlight(), 0, asyncio.Event()

    async def call():
        nonlocal calls
        calls += 1
        await release.wait()
        raise OSError("shared")

    waiting = [asyncio.create_task(flights.do("k", Wanted(math.inf), call)) for _ in range(3)]
    await asyncio.sleep(0)
    release.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert calls == 1
    assert [type(result) for result in results] == [OSError] * 3


async def test_the_call_outlives_its_leader_but_not_its_last_waiter():
    flights, cancelled, release = SingleFlight(), asyncio.Event(), asyncio.Event()

    async def call():
        try:
            await release.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "done"

    leader = asyncio.create_task(flights.do("k", Wanted(math.inf), call))
    follower = asyncio.create_task(flights.do("k", Wanted(math.inf), call))
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.wait([leader])
    assert not cancelled.is_set()
    follower.cancel()
    await asyncio.wait([follower])
    await cancelled.wait()
    release.set()
    assert await flights.do("k", Wanted(math.inf), call) == ("done", True)
