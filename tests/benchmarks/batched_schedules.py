"""The batched engine under random schedules, for as long as you like; a few of them are among the tests.

    python -m tests.benchmarks.batched_schedules [EXAMPLES] [STEPS]

Each of ``EXAMPLES`` (300 by default) is a schedule of at most ``STEPS`` (60) joins, leaves, deadlines, faults and
returns; what must hold is said in tests/systems/engines/batched/schedules.py. A schedule that breaks it is made as
short as it can be, and shown.
"""

from __future__ import annotations

import logging
import sys

from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.models.find import resolve
from tests.systems.engines.batched.schedules import CONTEXT, serial_reference, try_schedules


def main() -> None:
    """Try them."""
    examples, steps = (int(given) for given in (sys.argv[1:] + ["300", "60"][len(sys.argv) - 1 :]))
    logging.disable(logging.WARNING)  # of every fault that is made to happen
    path = resolve("tiny:q8_0").path
    serial = LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=CONTEXT, threads=1))
    serial.load()
    try:
        try_schedules(path, "f16", serial_reference(serial), examples=examples, steps=steps)
    finally:
        serial.close()
    print(f"{examples} schedules of up to {steps} events: every logit as the serial engine's, no slot left behind.")


if __name__ == "__main__":
    main()
