"""A few seconds of random schedules; `python -m tests.benchmarks.batched_schedules` tries many more."""

from __future__ import annotations

from pathlib import Path

from systems.engines.llama import LlamaEngine
from tests.systems.engines.batched.schedules import schedules, serial_reference, try_schedules


def test_any_schedule_gives_the_serial_engines_logits_and_leaves_no_slot(tiny_model: Path, serial: LlamaEngine):
    try_schedules(tiny_model, "f16", serial_reference(serial), examples=12)


def test_a_schedule_in_which_one_waits_for_a_beginning_that_it_shares(tiny_model: Path, serial: LlamaEngine):
    tried = schedules(tiny_model, "f16", serial_reference(serial))()
    tried.load(slots=4, kept=0.3, disk=0, chunk=5, batch=64)
    tried.ask(greedy=False, script=None, tokens=8, user=None, words=22)
    tried.go_on(steps=4)
    tried.ask(greedy=False, script=None, tokens=1, user=None, words=5)
    tried.teardown()
