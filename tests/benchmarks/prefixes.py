"""From how many tokens on it pays to copy what prompts begin with, and not to compute it again.

    python -m tests.benchmarks.prefixes [MODEL]

Milliseconds, the shortest of nine, of the model that `fourgig run` times unless another is named: to save and restore
the state of so many tokens, and what a question of 45 tokens takes after them and together with them.
"""

from __future__ import annotations

import sys
from time import perf_counter

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.calibration.machine import usable_cpus
from systems.models.find import TIMED, resolve
from tests.benchmarks.decode_steps import tokens

BEGINNINGS, QUESTION, TIMES = (4, 8, 16, 32, 64), 45, 9


def once(context: Context, beginning: list[int], question: list[int]) -> tuple[float, float, float, float]:
    """Return the seconds that saving, restoring, the question alone, and beginning and question take."""
    context.clear(0)
    context.decode([Piece(0, beginning, last=True)])
    began = perf_counter()
    state = context.save(0)
    saved = perf_counter()
    context.restore(1, state, len(beginning))
    restored = perf_counter()
    context.decode([Piece(1, question, last=True)])
    asked = perf_counter()
    context.clear(1)
    cleared = perf_counter()
    context.decode([Piece(1, beginning + question, last=True)])
    return saved - began, restored - saved, asked - restored, perf_counter() - cleared


def main() -> None:
    """Measure, and print."""
    model = Model(resolve(sys.argv[1] if len(sys.argv) > 1 else TIMED).path, use_mmap=True, repack=True)
    context = Context(
        model,
        sequences=2,
        length=256,
        batch=256,
        threads=usable_cpus(),
        key_value_type="f16",
        flash_attention=False,
    )
    question = tokens(QUESTION)
    for count in BEGINNINGS:
        beginning = tokens(count)
        best = map(min, zip(*(once(context, beginning, question) for _ in range(TIMES)), strict=True))
        saved, restored, asked, whole = (1000 * seconds for seconds in best)
        print(
            f"{count:3} tokens: save {saved:.2f} ms, restore {restored:.2f} ms; "
            f"the question after them {asked:.1f} ms, with them {whole:.1f} ms",
            flush=True,
        )
    context.close()
    model.close()


if __name__ == "__main__":
    main()
