"""A few seconds of random schedules; `python -m tests.benchmarks.batched_schedules` tries many more."""

from __future__ import annotations

from pathlib import Path

from systems.engines.llama import LlamaEngine
from tests.systems.engines.batched.schedules import serial_reference, try_schedules


def test_any_schedule_gives_the_serial_engines_logits_and_leaves_no_slot(tiny_model: Path, serial: LlamaEngine):
    try_schedules(tiny_model, "f16", serial_reference(serial), examples=12)
