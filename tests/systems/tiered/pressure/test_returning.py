"""Memory goes back to the system, not too often and off the loop; sizes are predicted from those before."""

import asyncio
import subprocess
import sys

import pytest

from systems.tiered.pressure import returning
from systems.tiered.pressure.returning import Returning, can_give_back, give_back
from systems.tiered.pressure.working_sets import WorkingSets

_HOLES = """
from systems.tiered.pressure.returning import give_back
held = [bytes(60_000) for _ in range(1000)]
last = bytes(60_000)  # above them, so that the heap's end cannot move down
held.clear()
print(give_back().bytes)
"""


@pytest.mark.skipif(not can_give_back(), reason="this C library cannot")
def test_what_was_freed_below_something_held_goes_back():
    told = subprocess.run([sys.executable, "-c", _HOLES], check=True, capture_output=True, text=True)
    assert int(told.stdout) > 40e6


@pytest.mark.skipif(not can_give_back(), reason="this C library cannot")
async def test_calls_at_once_share_one_and_the_next_must_wait():
    returning = Returning(every_s=3600)
    first, second = await asyncio.gather(returning.give_back(), returning.give_back())
    assert first is second is not None
    assert await returning.give_back() is None
    assert returning.times == 1
    await returning.close()


async def test_a_library_that_cannot_says_so(monkeypatch):
    monkeypatch.setattr(returning, "_malloc_trim", lambda: None)
    assert not can_give_back()
    assert give_back() is None
    assert await Returning().give_back() is None


def test_nine_in_ten_keep_within_the_predicted_size():
    sets = WorkingSets()
    assert sets.predicted("support", "turn", 7) == 7
    for size in range(1, 11):
        sets.saw("support", "turn", size)
    sets.saw("support", "session", 100)
    assert sets.predicted("support", "turn") == 10
    assert sets.predicted("code", "turn") == 0
    assert sets.total("support", sessions=3, turns=2) == 320


def test_old_sizes_are_forgotten():
    sets = WorkingSets(kept=3)
    for size in (1000, 1, 1, 1):
        sets.saw("support", "turn", size)
    assert sets.predicted("support", "turn") == 1
