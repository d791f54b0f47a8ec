"""The agent degrades in order, comes back in order, and refuses last."""

import asyncio

import pytest

from systems.errors import Refused
from systems.mechanisms.memory_in_use import Reading
from systems.tiered.pressure.forecast import Forecast
from systems.tiered.pressure.judging import ByUse, Stage, StageSteps
from systems.tiered.pressure.stages import Pressure


class Memory:
    """Memory that a test sets; what is reclaimed is written down, and frees ``freed`` bytes each time."""

    def __init__(self, used=0, freed=0):
        self.used, self.freed, self.acted = used, freed, []

    def read(self):
        return Reading(self.used, 1000, "group")

    async def reclaim(self, stage, excess):
        self.acted.append(stage)
        if stage >= Stage.SMALLER_CACHES:
            self.used -= self.freed


async def looks(pressure, memory, *used, from_s=0.0, every_s=1.0):
    stages = []
    for number, value in enumerate(used):
        memory.used = value
        stages.append(await pressure.look(from_s + number * every_s))
    return stages


async def test_stages_are_entered_one_after_another_and_left_one_at_a_time_after_a_calm():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim, calm_s=2.0, reclaim_every_s=100)
    assert await looks(pressure, memory, 100, 900) == [Stage.NORMAL, Stage.COMPRESSING]
    assert memory.acted == [Stage.NO_PREFETCH, Stage.SMALLER_CACHES, Stage.COMPRESSING]
    assert await looks(pressure, memory, *[100] * 8, from_s=2.0) == [3, 2, 2, 1, 1, 0, 0, 0]
    assert pressure.transitions == {(0, 1): 1, (1, 2): 1, (2, 3): 1, (3, 2): 1, (2, 1): 1, (1, 0): 1}
    assert pressure.seconds == {0: 3.0, 1: 2.0, 2: 2.0, 3: 2.0, 4: 0.0}


async def test_a_share_that_hovers_at_a_step_changes_the_stage_once():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim, calm_s=0.5)
    await looks(pressure, memory, *[699, 701, 680, 705] * 20)
    assert pressure.transitions == {(0, 1): 1}


async def test_refusal_comes_only_after_memory_was_freed_in_vain():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim)
    assert await looks(pressure, memory, 990) == [Stage.COMPRESSING]
    pressure.admit()
    assert await looks(pressure, memory, 990, from_s=1.0) == [Stage.REFUSING]
    with pytest.raises(Refused) as caught:
        pressure.admit()
    assert 0 < caught.value.retry_after_s <= 60
    assert pressure.refused == 1


async def test_memory_that_could_be_freed_is_no_reason_to_refuse():
    memory = Memory(used=990, freed=200)
    pressure = Pressure(memory.read, memory.reclaim)
    await pressure.look(0.0)
    assert await pressure.look(1.0) == Stage.COMPRESSING
    pressure.admit()
    assert pressure.reclaimed_bytes >= 200


async def test_who_may_not_refuse_never_does():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim, refuses=False)
    assert (await looks(pressure, memory, *[999] * 5))[-1] == Stage.COMPRESSING
    pressure.admit(10_000)


async def test_a_turn_that_would_not_fit_is_refused_before_memory_is_short():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim)
    await looks(pressure, memory, 600)
    pressure.admit(340)
    with pytest.raises(Refused):
        pressure.admit(360)


async def test_what_turns_inside_will_need_is_as_good_as_used():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim)
    await looks(pressure, memory, 600)
    with pressure.turn(200), pytest.raises(Refused):
        pressure.admit(200)
    pressure.admit(200)


async def test_with_a_forecast_what_is_expected_is_freed_before_it_is_there():
    asked = []

    async def reclaim(stage, excess):
        asked.append(excess)

    memory = Memory()
    pressure = Pressure(memory.read, reclaim, forecast=Forecast(10.0))
    await looks(pressure, memory, *range(500, 740, 20))
    assert memory.used < 750
    assert asked[-1] > 0


async def test_a_forecast_acts_before_a_threshold_would():
    growing = [500 + 10 * number for number in range(12)]
    by_use, ahead = Memory(), Memory()
    late = Pressure(by_use.read, by_use.reclaim)
    early = Pressure(ahead.read, ahead.reclaim, forecast=Forecast(10.0))
    assert (await looks(late, by_use, *growing))[-1] == Stage.NORMAL
    assert (await looks(early, ahead, *growing))[-1] >= Stage.NO_PREFETCH


async def test_a_trend_means_nothing_while_most_of_the_limit_is_free():
    memory = Memory()
    pressure = Pressure(memory.read, memory.reclaim, forecast=Forecast(60.0))
    assert set(await looks(pressure, memory, *range(0, 490, 40))) == {Stage.NORMAL}


async def test_the_wait_follows_the_rate_of_relief():
    slow, fast = Memory(), Memory()
    waits = []
    for memory, step in ((slow, 2), (fast, 40)):
        pressure = Pressure(memory.read, memory.reclaim)
        await looks(pressure, memory, *[990] * 3, *[990 - step * number for number in range(1, 5)])
        waits.append(pressure.retry_after_s())
    assert waits[0] > waits[1]


async def test_a_reclamation_that_fails_stops_nothing():
    async def broken(stage, excess):
        raise OSError("disk full")

    memory = Memory()
    pressure = Pressure(memory.read, broken)
    assert (await looks(pressure, memory, 990, 990))[-1] == Stage.REFUSING


async def test_one_threshold_for_everything_is_a_plain_threshold():
    memory = Memory()
    plain = ByUse(StageSteps(0.85, 0.85, 0.85, 0.85, 0.0))
    pressure = Pressure(memory.read, memory.reclaim, judge=plain)
    assert await looks(pressure, memory, 849, 850, 850) == [Stage.NORMAL, Stage.COMPRESSING, Stage.REFUSING]


async def test_it_looks_by_itself_until_it_is_closed():
    entered = asyncio.Event()

    async def reclaim(stage, excess):
        entered.set()

    pressure = Pressure(Memory(used=720).read, reclaim, every_s=0.001)
    pressure.start()
    async with asyncio.timeout(10):
        await entered.wait()
    await pressure.close()
    assert pressure.stage == Stage.NO_PREFETCH
