"""What one step of the batched engine costs: with flash attention and without, and with how many threads.

    python -m tests.benchmarks.decode_steps [SHAPE]

Milliseconds, median of nine; the ways alternate. Every conversation holds 300 tokens. *decode n*: one token each of n
conversations; *prefill n*: n tokens of one prompt. The threads are tried twice: alone, and beside another process that
keeps one processor busy.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.calibration.machine import usable_cpus
from systems.models.find import resolve

HELD, SEQUENCES, TIMES = 300, 32, 9

Shares = list[tuple[int, int]]
"""A step: how many tokens of which sequences."""

STEPS: dict[str, Shares] = {
    **{f"decode {count}": [(number, 1) for number in range(count)] for count in (1, 4, 8, 16, 32)},
    **{f"prefill {count}": [(0, count)] for count in (40, 64, 200)},
    "decode 15 and prefill 40": [*((number, 1) for number in range(15)), (15, 40)],
}

_source = random.Random(0)


def tokens(count: int) -> list[int]:
    """Return so many tokens."""
    return [_source.randrange(100, 4000) for _ in range(count)]


def filled(model: Model, *, threads: int, flash_attention: bool) -> Context:
    """Return a context in which every conversation holds something."""
    context = Context(
        model,
        sequences=SEQUENCES,
        length=512,
        batch=512,
        threads=threads,
        key_value_type="f16",
        flash_attention=flash_attention,
    )
    for sequence in range(SEQUENCES):
        context.decode([Piece(sequence, tokens(HELD), last=False)])
    return context


def step(context: Context, shares: Shares) -> float:
    """Return the milliseconds of one step."""
    for sequence, _ in shares:
        context.cut(sequence, HELD)
    pieces = [Piece(sequence, tokens(count), last=True) for sequence, count in shares]
    began = perf_counter()
    for place in context.decode(pieces).values():
        context.logits(place).argmax()
    return (perf_counter() - began) * 1000


def compare(ways: Mapping[str, Context], names: list[str]) -> None:
    """Print a line a step."""
    for name in names:
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(TIMES):
            for way, context in ways.items():
                took[way].append(step(context, STEPS[name]))
        print(name.ljust(26), "  ".join(f"{way} {median(values):6.1f} ms" for way, values in took.items()), flush=True)


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep one processor busy meanwhile."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            yield
        finally:
            neighbour.kill()


def main() -> None:
    """Measure, and print."""
    model = Model(resolve(sys.argv[1] if len(sys.argv) > 1 else "135m").path, use_mmap=True, repack=True)
    cpus = usable_cpus()
    attention = {"flash attention": True, "without": False}
    ways = {way: filled(model, threads=cpus, flash_attention=on) for way, on in attention.items()}
    compare(ways, list(STEPS))
    for context in ways.values():
        context.close()
    threads = {f"{count} threads": count for count in (1, cpus, cpus + 1, 2 * cpus)}
    ways = {way: filled(model, threads=count, flash_attention=False) for way, count in threads.items()}
    tried = ["decode 1", "decode 16", "prefill 200"]
    print("alone")
    compare(ways, tried)
    print("beside a busy process")
    with busy_neighbour():
        compare(ways, tried)


if __name__ == "__main__":
    main()
