"""Who may come in, and in which order."""

import asyncio

import pytest

from systems.errors import DeadlineExceeded, Refused
from systems.mechanisms.admission import Admission, deadline


async def test_slots_go_to_the_allowed_number_in_order_of_arrival():
    admission, inside, order, most = Admission(2, 100), 0, [], 0

    async def one(number):
        nonlocal inside, most
        async with admission.slot():
            inside += 1
            most = max(most, inside)
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one(number) for number in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_turns_beyond_running_and_waiting_are_refused_and_room_comes_back():
    admission = Admission(1, 1)
    async with admission.turn(), admission.turn():
        with pytest.raises(Refused) as caught:
            async with admission.turn():
                pass
    assert caught.value.retry_after_s > 0
    async with admission.turn():
        pass


async def test_a_deadline_is_not_blamed_for_another_timeout():
    with pytest.raises(TimeoutError) as caught:
        async with deadline(60):
            raise TimeoutError("a socket's own")
    assert not isinstance(caught.value, DeadlineExceeded)
