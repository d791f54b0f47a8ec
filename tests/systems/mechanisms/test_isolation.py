import asyncio
import threading
import time

import pytest

from systems.mechanisms.isolation import Executors


async def test_results_and_errors_come_back_to_their_own_callers():
    executors = Executors({"work": 3})

    def work(number):
        if number % 7 == 0:
            raise ValueError(number)
        return number * number

    found = await asyncio.gather(*(executors.run("work", work, n) for n in range(500)), return_exceptions=True)
    assert all(
        isinstance(one, ValueError) and one.args == (n,) if n % 7 == 0 else one == n * n for n, one in enumerate(found)
    )
    executors.close()


async def test_no_more_threads_than_asked_and_none_for_an_idle_kind():
    executors = Executors({"work": 2, "other": 4})
    inside, most = [], []
    together = threading.Barrier(2)

    def work():
        inside.append(None)
        most.append(len(inside))
        together.wait()
        inside.pop()

    before = threading.active_count()
    await asyncio.gather(*(executors.run("work", work) for _ in range(6)))
    assert max(most) == 2
    assert threading.active_count() - before == 2
    executors.close()
    assert threading.active_count() == before


async def test_a_call_cancelled_while_it_waits_is_never_made():
    executors = Executors({"work": 1})
    gate, made = threading.Event(), []
    first = asyncio.create_task(executors.run("work", gate.wait))
    second = asyncio.create_task(executors.run("work", made.append, 1))
    await asyncio.sleep(0)
    second.cancel()
    gate.set()
    assert await first
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await executors.run("work", len, made) == 0
    executors.close()


async def test_closing_finishes_what_runs_and_cancels_what_waits(monkeypatch):
    executors = Executors({"work": 1})
    gate, made = threading.Event(), []
    join = threading.Thread.join

    def joined(thread, *arguments):
        gate.set()  # closing has begun, and waits
        join(thread, *arguments)

    monkeypatch.setattr(threading.Thread, "join", joined)

    def work():
        gate.wait()
        made.append("running")

    running = asyncio.create_task(executors.run("work", work))
    waiting = asyncio.create_task(executors.run("work", made.append, "waiting"))
    await asyncio.sleep(0)
    await asyncio.to_thread(executors.close)
    await running
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert made == ["running"]


async def test_without_isolation_the_work_is_done_in_the_loop():
    assert await Executors({"work": 1}, isolated=False).run("work", threading.get_ident) == threading.get_ident()


async def test_an_error_that_no_future_takes_is_still_told():
    executors = Executors({"work": 1})
    with pytest.raises(RuntimeError, match="StopIteration"):
        await executors.run("work", next, iter(()))
    executors.close()


async def test_no_call_is_forgotten_however_threads_fall_asleep_and_wake():
    executors = Executors({"work": 4})
    for round_of in range(400):
        calls = (executors.run("work", time.sleep, 0.0002 * (number % 3)) for number in range(round_of % 9))
        async with asyncio.timeout(30):
            await asyncio.gather(*calls)
    executors.close()


async def test_calls_that_block_run_on_as_many_threads_as_there_are():
    executors = Executors({"work": 4})
    for _ in range(3):  # threads that sleep are woken as well as threads that are made
        together = threading.Barrier(4)
        async with asyncio.timeout(30):
            await asyncio.gather(*(executors.run("work", together.wait) for _ in range(4)))
    executors.close()


async def test_isolated_work_runs_on_at_most_the_allowed_threads_of_its_kind():
    executors = Executors({"a": 2, "b": 1})
    names = await asyncio.gather(
        *(executors.run("a", lambda: threading.current_thread().name) for _ in range(20)),
        executors.run("b", lambda: threading.current_thread().name),
    )
    executors.close()
    assert {name.partition("_")[0] for name in names[:20]} == {"a"}
    assert len(set(names[:20])) <= 2
    assert names[20].startswith("b")


async def test_one_kinds_full_pool_does_not_hold_up_another():
    executors = Executors({"slow": 1, "fast": 1})
    release = threading.Event()
    slow = [asyncio.create_task(executors.run("slow", release.wait, 30)) for _ in range(3)]
    assert await executors.run("fast", lambda: "done") == "done"
    assert not any(task.done() for task in slow)
    release.set()
    await asyncio.gather(*slow)
    executors.close()


async def test_without_isolation_the_work_runs_where_it_is_called():
    executors = Executors({"a": 1}, isolated=False)
    assert await executors.run("a", threading.current_thread) is threading.current_thread()


@pytest.mark.parametrize("isolated", [True, False])
async def test_exceptions_pass_through(isolated):
    executors = Executors({"a": 1}, isolated=isolated)
    with pytest.raises(ZeroDivisionError):
        await executors.run("a", lambda: 1 // 0)
    executors.close()
