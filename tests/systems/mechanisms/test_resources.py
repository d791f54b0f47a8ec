"""What is loaded at its first use: once, whoever asks for it."""

import asyncio

from systems.mechanisms.resources import Resource


async def test_racing_first_uses_load_once():
    loads = 0

    async def load():
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        return object()

    resource = Resource("thing", load)
    values = await asyncio.gather(*(resource.get() for _ in range(50)))
    assert loads == 1
    assert len({id(value) for value in values}) == 1


async def test_a_failed_load_reaches_every_waiter_and_is_tried_again():
    attempts = 0

    async def load():
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        if attempts == 1:
            raise OSError("no such model")
        return attempts

    resource = Resource("thing", load)
    failures = await asyncio.gather(*(resource.get() for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [OSError] * 3
    assert not resource.loaded
    assert await resource.get() == 2
    assert resource.loaded


async def test_a_cancelled_waiter_does_not_cancel_the_load():
    begun, release = asyncio.Event(), asyncio.Event()

    async def load():
        begun.set()
        await release.wait()
        return "loaded"

    resource = Resource("thing", load)
    impatient = asyncio.create_task(resource.get())
    await begun.wait()
    impatient.cancel()
    release.set()
    assert await resource.get() == "loaded"
