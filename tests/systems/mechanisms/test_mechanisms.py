"""Each mechanism of the asynchronous agent on its own."""

import asyncio
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.errors import DeadlineExceeded, Refused, StoreError
from systems.mechanisms.admission import Admission, deadline
from systems.mechanisms.isolation import Executors
from systems.mechanisms.resources import Resource
from systems.mechanisms.saving import BackgroundSaver
from systems.mechanisms.single_flight import SingleFlight
from systems.mechanisms.wanted import Wanted
from systems.memory.importance import is_important, keep_important
from systems.memory.schema import SavedTurn
from systems.turn.history import Exchange, Histories, keep_newest


def turn(number):
    return SavedTurn(session="s", question=f"question {number}", answer="answer", keywords=())


# Isolation


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


# Admission


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


# Lazy loading


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


# Single flight


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


# Background saving


async def test_everything_accepted_is_saved_in_order_when_closed():
    saved = []

    async def save(turns):
        await asyncio.sleep(0)
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=3, queue_limit=4)
    turns = [turn(number) for number in range(20)]
    for one in turns:
        await saver.add(one)
    await saver.close()
    assert saved == turns
    assert saver.saved == 20


async def test_a_failed_save_is_tried_again_and_loses_nothing():
    saved, attempts = [], 0

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise StoreError("database is locked")
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=10, queue_limit=10)
    await saver.add(turn(1))
    await saver.add(turn(2))
    await saver.close()
    assert [one.question for one in saved] == ["question 1", "question 2"]
    assert saver.failures == 1


async def test_turns_that_cannot_be_saved_are_counted_out_loud_at_the_end():
    async def save(turns):
        raise StoreError("disk full")

    saver = BackgroundSaver(save, batch=1, queue_limit=10)
    for number in range(3):
        await saver.add(turn(number))
    with pytest.raises(StoreError, match="3 acknowledged turns could not be saved: disk full"):
        await saver.close()


async def test_a_store_that_fails_in_an_unplanned_way_loses_no_turn_either():
    saved, attempts = [], 0

    async def save(turns):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ValueError("nobody planned this")
        saved.extend(turns)

    saver = BackgroundSaver(save, batch=1, queue_limit=2)
    for number in range(5):
        await saver.add(turn(number))
    await saver.close()
    assert [one.question for one in saved] == [f"question {number}" for number in range(5)]


# History and pruning

EXCHANGES = st.lists(st.booleans(), max_size=40).map(
    lambda flags: [Exchange(str(number), "fine", flag) for number, flag in enumerate(flags)]
)


@given(EXCHANGES, st.integers(0, 20))
def test_pruning_keeps_bound_chronology_the_newest_and_the_important_and_is_idempotent(exchanges, most):
    kept = keep_important(exchanges, most)
    places = [int(exchange.question) for exchange in kept]
    assert len(kept) == min(most, len(exchanges))
    assert places == sorted(places)
    assert keep_important(kept, most) == kept
    if kept:
        assert kept[-1] == exchanges[-1]
    older, room = exchanges[:-1], max(0, len(kept) - 1)
    important = [exchange for exchange in older if exchange.important]
    ordinary = [exchange for exchange in older if not exchange.important]
    expected = important[max(0, len(important) - room) :]
    spare = room - len(expected)
    expected += ordinary[len(ordinary) - spare :] if spare else []
    assert sorted(places[:-1]) == sorted(int(exchange.question) for exchange in expected)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=30), st.integers(0, 12), st.booleans())
def test_the_roles_of_a_history_always_alternate(turns, length, stepped):
    histories = Histories(length, 10, keep_important, stepped=stepped)
    for number, (session, important) in enumerate(turns):
        histories.add(session, Exchange(f"question {number}", f"answer {number}", important))
        messages = histories.messages(session)
        assert len(messages) <= length
        assert [message.role for message in messages] == ["user", "assistant"] * (len(messages) // 2)


@pytest.mark.parametrize(
    ("text", "important"),
    [
        ("Remember that I am allergic to nuts", True),
        ("My name is Vera", True),
        ("请记住，我叫王芳", True),
        ("What is the weather like?", False),
        ("今天天气怎么样", False),
    ],
)
def test_key_information_is_recognised_in_two_languages(text, important):
    assert is_important(text) is important


@pytest.mark.parametrize(("stepped", "grew"), [(False, 4), (True, 12)])
def test_a_stepped_history_begins_like_the_last_one_on_most_turns(stepped, grew):
    histories = Histories(10, 1, keep_newest, stepped=stepped)
    before, alike = [], 0
    for number in range(17):
        histories.add("s", Exchange(f"question {number}", "fine"))
        after = histories.messages("s")
        alike += bool(before) and after[: len(before)] == before
        before = after
    assert alike == grew


def test_histories_forget_the_least_recently_active_session():
    histories = Histories(4, 2, keep_newest)
    for session in ("a", "b", "a", "c"):
        histories.add(session, Exchange(f"to {session}", "fine"))
    assert len(histories.messages("a")) == 4
    assert histories.messages("b") == []
    assert len(histories.messages("c")) == 2
