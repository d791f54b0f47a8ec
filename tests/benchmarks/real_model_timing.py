"""Whether a model of random weights costs what the real one of its shape costs: a pair in one run, token for token.

    python -m tests.benchmarks.real_model_timing [BLOCKS]

SmolLM2 beside the shape 135m, both in the same quantisation: a fresh process each, which alternate in blocks in random
order. Each computes the same 200 tokens as a prompt, then 32 more, one after another, choosing a token each time and
going on with the one that was planned; the median of two after one to warm up, on one thread, in CPU time, which what
else runs on the machine takes nothing from. Ratios are real to random within a block: geometric mean and 95 % interval.
Timing studies force their replies in the same way, so where numbers of tokens are equal, so is what a trial takes.

How many tokens the same words are is another matter: the real model's tokenizer cuts them otherwise. The last lines
count the tokens of what the users of the load study say and are answered.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from statistics import median
from time import process_time

from experiments.workloads.conversations import conversations
from systems.engines.batched.context import Context, Model, Piece
from systems.models.find import resolve
from systems.models.llama_library import llama_cpp
from tests.benchmarks.quantisations import headline, ratio

BLOCKS, TIMES, PROMPT, REPLY = 12, 2, 200, 32
QUANTS = ("q8_0", "q4_0")
REAL, RANDOM = "smollm2", "135m"


def timed(name: str) -> dict[str, float]:
    """Return the milliseconds of CPU time a token of the prompt and of the reply."""
    model = Model(resolve(name).path, use_mmap=True, repack=True)
    context = Context(
        model,
        sequences=1,
        length=512,
        batch=512,
        threads=1,
        key_value_type="f16",
        flash_attention=False,
    )
    took: dict[str, list[float]] = {"prompt": [], "reply": []}
    for number in range(TIMES + 1):
        source = random.Random(number)
        tokens = [source.randrange(100, 40_000) for _ in range(PROMPT + REPLY)]
        context.cut(0, 0)
        began = process_time()
        for place in context.decode([Piece(0, tokens[:PROMPT], last=True)]).values():
            context.logits(place).argmax()
        read = process_time()
        for token in tokens[PROMPT:]:
            for place in context.decode([Piece(0, [token], last=True)]).values():
                context.logits(place).argmax()
        ended = process_time()
        if number > 0:
            took["prompt"].append((read - began) * 1000 / PROMPT)
            took["reply"].append((ended - read) * 1000 / REPLY)
    context.close()
    return {name: median(values) for name, values in took.items()}


def counted(name: str) -> tuple[int, int]:
    """Return how many tokens the words of a load study are to a model: those in English and those in Chinese."""
    vocabulary = llama_cpp.Llama(str(resolve(name).path), vocab_only=True, verbose=False)
    users = [
        sum(
            len(vocabulary.tokenize(text.encode(), add_bos=False)) for turn in turns for text in (turn.text, turn.reply)
        )
        for turns in conversations(0, users=20, turns=5)
    ]
    return sum(users[::2]), sum(users[1::2])


def main() -> None:
    """Measure, and print."""
    if len(sys.argv) == 3:
        print(json.dumps(timed(sys.argv[2])))
        return
    headline("Whether a model of random weights costs what the real one of its shape costs")
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS
    names = [f"{name}:{quant}" for quant in QUANTS for name in (REAL, RANDOM)]
    for name in names:
        resolve(name)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for block in range(blocks):
        for name in random.Random(block).sample(names, len(names)):
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.real_model_timing", "timed", name],
                stdout=subprocess.PIPE,
                check=True,
            )
            found[name].append(json.loads(done.stdout))
    for quant in QUANTS:
        for what in ("prompt", "reply"):
            real, made = ([each[what] for each in found[f"{name}:{quant}"]] for name in (REAL, RANDOM))
            print(
                f"{quant} {what:6} real {median(real):6.2f} ms a token, random {median(made):6.2f}; "
                f"real to random {ratio(real, made)}",
                flush=True,
            )
    print()
    for language, real, made in zip(("English", "Chinese"), counted(names[0]), counted(names[1]), strict=True):
        print(f"what is said in {language}: {real} tokens to the real model, {made} to the random: × {real / made:.2f}")


if __name__ == "__main__":
    main()
