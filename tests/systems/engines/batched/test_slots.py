"""What was computed is used again: by its conversation, and by all who begin alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec

from systems.engines.interface import Call, Message
from tests.systems.engines.batched.talking import SYSTEM, talk


def test_a_shared_beginning_is_computed_once_and_a_conversation_keeps_what_it_has(make):
    engine = make()
    first, second, third = (
        engine.generate(
            Call(messages=[SYSTEM, talk(user, 1)], max_tokens=4, script="no idea", conversation=f"user {user}")
        )
        for user in range(3)
    )
    assert first.reused_tokens == 0
    assert 40 < second.reused_tokens <= third.reused_tokens
    messages = [SYSTEM, talk(2, 1), Message("assistant", third.text), talk(2, 2)]
    later = engine.generate(Call(messages=messages, max_tokens=4, script="none", conversation="user 2"))
    assert later.reused_tokens >= third.prompt_tokens
    stranger = engine.generate(Call(messages=messages, max_tokens=4, script="none", conversation="user 3"))
    assert stranger.reused_tokens == third.reused_tokens, "a stranger was given more than the shared beginning"
    counted = engine.counters()
    assert counted.prefixes == 2, "what the stranger sent too is shared from now on"
    assert counted.reused_tokens == sum(one.reused_tokens for one in (second, third, later, stranger))


def test_a_short_system_prompt_is_shared_too(make):
    engine = make()
    asked = [
        [Message("system", "Be brief and kind."), Message("user", text)]
        for text in ("What is up?", "How old are you?", "Is it far?")
    ]
    first, second, third = (
        engine.generate(Call(messages=messages, max_tokens=2, script="no", conversation=str(number)))
        for number, messages in enumerate(asked)
    )
    assert first.reused_tokens == 0
    assert 8 <= second.reused_tokens == third.reused_tokens < 32


def test_requests_of_one_conversation_follow_each_other(make):
    engine = make()
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(
                lambda turn: engine.generate(Call(messages=[SYSTEM, talk(1, turn)], max_tokens=8, conversation="one")),
                range(8),
            )
        )
    assert all(one.prompt_tokens for one in found)
    assert sum(one.reused_tokens > 0 for one in found) == 7


def test_a_beginning_that_could_not_be_kept_is_not_waited_for(make):
    engine = make(slots=2, context_tokens=256, memory_bytes=2 * 256 * 256 + 45_000)  # the beginning takes 50,000
    long = Message("system", "word " * 200)
    futures = [
        engine.submit(Call(messages=[long, talk(number, 1)], max_tokens=2, script="yes no", conversation=f"{number}"))
        for number in range(6)
    ]
    assert [future.result(30).generated_tokens for future in futures] == [2] * 6


def test_a_beginning_that_no_disk_would_return_sooner_is_not_kept(make, monkeypatch):
    monkeypatch.setattr("systems.engines.batched.states._DISK_BYTES_PER_S", 1.0)
    engine = make(slots=1, context_tokens=256, memory_bytes=256 * 256 + 1000, disk_bytes=10**8)
    long = Message("system", "word " * 200)
    for number in range(3):
        engine.generate(Call(messages=[long, talk(number, 1)], max_tokens=2, script="yes no", conversation=f"{number}"))
    assert engine.counters().prefixes == 0


def test_what_left_is_counted_when_it_left(make):
    engine = make(slots=1, context_tokens=512, memory_bytes=512 * 256 + 1000)
    for number in range(2):
        engine.generate(
            Call(messages=[SYSTEM, talk(number, 1)], max_tokens=2, script="yes no", conversation=f"{number}")
        )
    assert (engine.counters().saved_states, engine.counters().dropped_states) == (1, 1)


def test_a_beginning_in_use_outlives_others_that_come_and_go(make):
    engine = make(slots=1)
    reused = []
    for number in range(8):
        once = Message("system", f"Number {number} is asked but once. " * 4)
        for system in (SYSTEM, once):
            found = engine.generate(
                Call(messages=[system, talk(number, 1)], max_tokens=1, conversation=f"{number} {system is once}")
            )
            if system is SYSTEM:
                reused.append(found.reused_tokens)
    assert min(reused[1:]) > 40


def test_a_conversation_keeps_its_own_when_a_longer_beginning_was_dropped(make):
    engine = make(slots=2, memory_bytes=2 * 512 * 256 + 100_000)

    def ask(conversation: str, *systems: str) -> int:
        system = Message("system", "".join(systems))
        return engine.generate(
            Call(messages=[system, talk(1, 1)], max_tokens=1, conversation=conversation)
        ).reused_tokens

    first, second = "You are brief. " * 12, "You rhyme, whatever is asked of you. " * 12
    ask("one", first)
    ask("two", first, second)  # all of the beginning is kept for others, until the state of "one" leaves its slot
    ask("three", "Something else is said here. " * 8)
    assert engine.counters().prefixes == 3
    assert ask("one", first, second) > 100


def test_a_conversation_that_starts_over_in_its_own_slot_gets_the_shared_beginning(make):
    engine = make(slots=2)
    engine.generate(Call(messages=[Message("system", "Be brief."), talk(1, 1)], max_tokens=1, conversation="one"))
    engine.generate(Call(messages=[SYSTEM, talk(2, 1)], max_tokens=1, conversation="two"))
    assert engine.generate(Call(messages=[SYSTEM, talk(1, 2)], max_tokens=1, conversation="one")).reused_tokens > 40


def test_what_is_forgotten_is_computed_anew_and_what_others_have_is_kept(make):
    for slots in (2, 1):  # where it stays in its slot, and where it has moved to the states
        engine = make(slots=slots)

        def ask(conversation: str, user: int, engine=engine):
            call = Call(messages=[SYSTEM, talk(user, 1)], max_tokens=2, script="yes no", conversation=conversation)
            return engine.generate(call)

        ask("one", 1)
        ask("two", 2)
        engine.forget("one")
        again = ask("two", 2)
        assert again.reused_tokens == again.prompt_tokens - 1
        engine.forget("two")
        engine.forget("nobody")
        assert ask("one", 1).reused_tokens == 0, "nor is anything left of what others shared with it"
        assert ask("two", 2).reused_tokens > 40


def test_what_is_forgotten_while_its_reply_runs_is_gone_once_that_ends(make):
    engine = make(slots=1)
    running, may_go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        running.set()
        assert may_go_on.wait(30)

    call = Call(messages=[SYSTEM, talk(1, 1)], max_tokens=4, script="no idea", conversation="one", on_token=hold)
    future = engine.submit(call)
    assert running.wait(30)
    engine.forget("one")
    may_go_on.set()
    assert future.result(30).text == "no idea"
    assert engine.generate(msgspec.structs.replace(call, on_token=None)).reused_tokens == 0


def test_an_engine_that_is_not_loaded_has_nothing_to_forget(make):
    engine = make()
    engine.close()
    engine.forget("one")
    engine.load()
    assert engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=2)).reused_tokens == 0
