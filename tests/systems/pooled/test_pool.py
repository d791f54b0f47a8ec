"""The pool of agents: never more at work than it has, in order, for no longer than a turn would wait."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.errors import Refused
from systems.mechanisms.admission import Admission, Unbounded
from systems.pooled.pool import AgentPool


@given(agents=st.integers(1, 4), turns=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
@settings(max_examples=30, deadline=None)
def test_no_more_are_at_work_than_there_are_agents_whoever_leaves_and_places_come_back(agents, turns):
    async def run():
        pool = AgentPool(Unbounded(), agents, 30.0)
        inside, most, order = [], 0, []

        async def turn(number, steps):
            nonlocal most
            async with pool.place(str(number)):
                order.append(number)
                inside.append(number)
                most = max(most, len(inside))
                try:
                    for _ in range(steps):
                        await asyncio.sleep(0)
                finally:
                    inside.remove(number)

        tasks = [asyncio.create_task(turn(number, steps)) for number, (steps, _) in enumerate(turns)]
        await asyncio.sleep(0)
        for task, (_, leaves) in zip(tasks, turns, strict=True):
            if leaves:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= agents
        assert order == sorted(order), "in the order of arrival"
        assert (pool.at_work, pool.waiting) == (0, 0)
        for _ in range(agents):  # every place is free again
            async with asyncio.timeout(5), pool.place("a"):
                pass

    asyncio.run(run())


async def test_who_waits_too_long_is_refused_and_told_when_to_come_back():
    pool = AgentPool(Unbounded(), 1, 0.01)
    async with pool.place("a"):
        with pytest.raises(Refused, match="all 1 agents are at work") as refused:
            async with pool.place("b"):
                pass
    assert refused.value.retry_after_s > 0
    assert pool.refused == 1
    async with pool.place("b"):
        assert pool.at_work == 1


async def test_what_lets_turns_in_bounds_those_that_wait_for_an_agent_as_well():
    pool = AgentPool(Admission(1, 1), 1, 30.0)

    async def turn(talk):
        async with pool.turn(), pool.place(talk):
            pass

    async with pool.turn(), pool.place("a"):
        waiting = asyncio.create_task(turn("b"))
        await asyncio.sleep(0)
        assert pool.waiting == 1
        with pytest.raises(Refused, match="queue is full"):
            await turn("c")
        waiting.cancel()


def test_of_the_live_ones_those_are_idle_that_nobody_used_for_so_long_and_some_are_left():
    now = 0.0
    pool = AgentPool(Unbounded(), 9, 1.0, clock=lambda: now)
    for number, talk in enumerate("abcde"):
        now = float(number)
        pool.use(talk)
    pool.use("gone")
    now = 12.0
    live = "abcde".__contains__
    assert pool.idle(10.0, 0, live) == {"a", "b", "c"}
    assert pool.idle(10.0, 3, live) == {"a", "b"}
    assert pool.idle(10.0, 9, live) == set()
    pool.use("a")
    assert pool.idle(10.0, 0, live) == {"b", "c"}
