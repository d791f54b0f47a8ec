"""Thousands of requests, in a process of their own: what other tests freed would hide, or grow, what these take."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Call, Sampling
from tests.systems.engines.batched.talking import SYSTEM, talk

REQUESTS, WARM = 2000, 700
FAILING = 17  # every so many requests the caller's own function fails
MOST_BYTES = 2 * 2**20  # a kilobyte and a half a request


def soak(model_path: str) -> tuple[list[int], int, int]:
    """Return the tokens of each request, the bytes by which the process grew, and the steps that failed."""
    engine = BatchedEngine(
        BatchedSettings(model_path=model_path, slots=8, context_tokens=512, threads=1, memory_bytes=2_000_000)
    )
    engine.load()
    with ThreadPoolExecutor(16) as threads:

        def one(number: int) -> int:
            on_token = (lambda _: 1 / 0) if number % FAILING == 0 else None
            call = Call(
                messages=[SYSTEM, talk(number % 40, number)],
                max_tokens=3,
                script="yes no maybe",
                on_token=on_token,
                conversation=f"user {number % 40}",
                sampling=Sampling(temperature=float(number % 5 == 0)),
            )
            try:
                return engine.generate(call).generated_tokens
            except ZeroDivisionError:
                return 0

        tokens = list(threads.map(one, range(WARM)))
        warm = psutil.Process().memory_full_info().uss
        tokens += threads.map(one, range(WARM, REQUESTS))
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
    failed = engine.counters().failed_steps
    engine.close()
    return tokens, grown, failed


@pytest.mark.long
def test_thousands_of_requests_leave_no_slot_behind_and_memory_bounded(tiny_model: Path) -> None:
    code = f"import sys; from {__name__} import soak; tokens, *rest = soak(sys.argv[1]); print(*rest); print(*tokens)"
    done = subprocess.run([sys.executable, "-c", code, str(tiny_model)], check=True, capture_output=True, text=True)
    first, second = done.stdout.splitlines()[-2:]
    grown, failed = map(int, first.split())
    tokens = [int(each) for each in second.split()]
    assert tokens.count(0) == len(range(0, REQUESTS, FAILING))
    assert tokens.count(3) == REQUESTS - tokens.count(0)
    assert failed == 0
    assert grown < MOST_BYTES, "more than a kilobyte and a half of every request did not come back"


def _once(call):
    called = []

    def on_token(_):
        if not called:
            called.append(call())

    return on_token
