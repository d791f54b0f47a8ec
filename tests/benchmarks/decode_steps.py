"""What one step of the batched engine costs, with flash attention and without: milliseconds, median of nine.

    python -m tests.benchmarks.decode_steps [SHAPE]

Every conversation holds 300 tokens. *decode n*: one token each of n conversations; *prefill n*: n tokens of one prompt.
The two ways alternate.
"""

from __future__ import annotations

import random
import sys
from statistics import median
from time import perf_counter

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.llama import usable_cpus
from systems.models.find import resolve

HELD, SEQUENCES, TIMES = 300, 16, 9

STEPS = {
    **{f"decode {count}": [(number, 1) for number in range(count)] for count in (1, 4, 8, 16)},
    **{f"prefill {count}": [(0, count)] for count in (40, 64, 200)},
    "decode 15 and prefill 40": [*((number, 1) for number in range(15)), (15, 40)],
}


def main() -> None:
    """Measure, and print a line a step."""
    model = Model(resolve(sys.argv[1] if len(sys.argv) > 1 else "135m").path, use_mmap=True, repack=True)
    source = random.Random(0)

    def tokens(count: int) -> list[int]:
        return [source.randrange(100, 4000) for _ in range(count)]

    contexts = {
        way: Context(
            model,
            sequences=SEQUENCES,
            length=1024,
            batch=512,
            threads=usable_cpus(),
            key_value_type="f16",
            flash_attention=way == "flash attention",
        )
        for way in ("flash attention", "without")
    }
    for context in contexts.values():
        for sequence in range(SEQUENCES):
            context.decode([Piece(sequence, tokens(HELD), last=False)])

    def step(context: Context, shares: list[tuple[int, int]]) -> float:
        for sequence, _ in shares:
            context.cut(sequence, HELD)
        pieces = [Piece(sequence, tokens(count), last=True) for sequence, count in shares]
        began = perf_counter()
        for place in context.decode(pieces).values():
            context.logits(place).argmax()
        return (perf_counter() - began) * 1000

    for name, shares in STEPS.items():
        took: dict[str, list[float]] = {way: [] for way in contexts}
        for _ in range(TIMES):
            for way, context in contexts.items():
                took[way].append(step(context, shares))
        print(name.ljust(26), "  ".join(f"{way} {median(values):6.1f} ms" for way, values in took.items()), flush=True)


if __name__ == "__main__":
    main()
