"""Thousands of requests."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psutil

from systems.engines.interface import Call, Sampling
from tests.systems.engines.batched.talking import SYSTEM, talk


def test_thousands_of_requests_leave_no_slot_behind_and_memory_bounded(make):
    engine = make(slots=8, memory_bytes=2_000_000)
    with ThreadPoolExecutor(16) as threads:

        def one(number: int) -> int:
            on_token = (lambda _: 1 / 0) if number % 17 == 0 else None
            try:
                return engine.generate(
                    Call(
                        messages=[SYSTEM, talk(number % 40, number)],
                        max_tokens=3,
                        script="yes no maybe",
                        on_token=on_token,
                        conversation=f"user {number % 40}",
                        sampling=Sampling(temperature=float(number % 5 == 0)),
                    )
                ).generated_tokens
            except ZeroDivisionError:
                return 0

        found = list(threads.map(one, range(700)))
        warm = psutil.Process().memory_full_info().uss
        found += threads.map(one, range(700, 2000))
        grown = psutil.Process().memory_full_info().uss - warm
        # Every slot is free again: as many more as there are can run at once.
        begun = threading.Barrier(9)
        long = [
            engine.submit(
                Call(
                    messages=[SYSTEM, talk(number, 1)],
                    max_tokens=200,
                    conversation=f"last {number}",
                    on_token=_once(lambda: threads.submit(begun.wait, 30)),
                    sampling=Sampling(ignore_end=True),
                )
            )
            for number in range(8)
        ]
        begun.wait(30)
        for future in long:
            assert future.result(30).generated_tokens == 200
    assert found.count(0) == len(range(0, 2000, 17))
    assert found.count(3) == 2000 - found.count(0)
    assert engine.counters().failed_steps == 0
    assert grown < 2 * 2**20, "more than a kilobyte and a half of every request did not come back"


def _once(call):
    called = []

    def on_token(_):
        if not called:
            called.append(call())

    return on_token
