"""In which quantisation the real model is fastest, smallest, and answers best.

    python -m tests.benchmarks.quantisations [BLOCKS]

*Speed*: a fresh process each, which alternate in blocks: the serial engine (llama.cpp, as the lab uses it, with all
processors) computes a prompt of some 200 tokens that it has seen nothing of, and says 32 scripted tokens; the median of
three calls after one to warm up. Ratios are to the model as it was shipped, q4_1, within a block: geometric mean and
95 % interval. *Memory* is what that process holds in the end: anonymous (weights that llama.cpp laid out anew are there
a second time), and with the mapped file.

*Answers*: forty questions, each right if the reply of at most 40 tokens, at temperature 0, has the answer's words; 95 %
intervals by Wilson. *Perplexity* of a conversation that people wrote, and how often the likeliest token is the one that
the shipped model holds likeliest: over pieces of 128 tokens, with 95 % intervals of the mean. Everything is compared
with q4_1 because nothing better was published in a package: another quantisation can lose of it, and gain nothing.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from scipy.stats import binomtest

from experiments.analysis.intervals import Estimate
from experiments.measuring import code
from experiments.workloads import archives
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings, usable_cpus
from systems.models import requantise
from systems.models.find import resolve
from systems.models.llama_library import llama_cpp

MODEL, SHIPPED = "smollm2", "q4_1"
BLOCKS, CALLS, SAID = 12, 3, 32
PIECES, PIECE = 12, 128
WRITTEN = Path(__file__).parents[1] / "conversations" / "settled" / "first-dialogues.json"

FACTS = {
    "What is the capital of France?": "Paris",
    "What is the capital of Japan?": "Tokyo",
    "What is the capital of Italy?": "Rome",
    "What is the capital of Germany?": "Berlin",
    "What is the largest planet in the solar system?": "Jupiter",
    "Which planet is closest to the sun?": "Mercury",
    "What is the chemical symbol of gold?": "Au",
    "What is the chemical formula of water?": "H2O",
    "Who wrote Romeo and Juliet?": "Shakespeare",
    "Who painted the Mona Lisa?": "Leonardo",
    "How many legs does a spider have?": "eight",
    "How many days are there in a week?": "seven",
    "What is the opposite of hot?": "cold",
    "What colour do you get when you mix blue and yellow?": "green",
    "Which language is spoken in Brazil?": "Portuguese",
    "On which continent is Egypt?": "Africa",
}
SUMS = {
    "What is 2 + 2?": "4",
    "What is 7 + 5?": "12",
    "What is 10 - 3?": "7",
    "What is 6 times 7?": "42",
    "What is 9 + 8?": "17",
    "What is 20 - 6?": "14",
    "What is 3 times 5?": "15",
    "What is 100 divided by 4?": "25",
}
NOTES = {
    "My dog is called Rufus. I live in Utrecht.\n\nWhat is my dog called?": "Rufus",
    "My dog is called Rufus. I live in Utrecht.\n\nWhere do I live?": "Utrecht",
    "My sister is called Anna. My brother is called Tom.\n\nWhat is my sister's name?": "Anna",
    "My sister is called Anna. My brother is called Tom.\n\nWhat is my brother's name?": "Tom",
    "I work as a baker. I play the cello.\n\nWhat is my job?": "baker",
    "I work as a baker. I play the cello.\n\nWhich instrument do I play?": "cello",
    "My favourite colour is purple. I am allergic to peanuts.\n\nWhat is my favourite colour?": "purple",
    "My favourite colour is purple. I am allergic to peanuts.\n\nWhat am I allergic to?": "peanuts",
    "I drive a red Volvo. I was born in 1984.\n\nWhich car do I drive?": "Volvo",
    "I drive a red Volvo. I was born in 1984.\n\nIn which year was I born?": "1984",
    "My flight leaves at 9:40 from gate 12.\n\nWhen does my flight leave?": "9:40",
    "My flight leaves at 9:40 from gate 12.\n\nFrom which gate does my flight leave?": "12",
    "The meeting is on Thursday in room Vermeer.\n\nOn which day is the meeting?": "Thursday",
    "The meeting is on Thursday in room Vermeer.\n\nIn which room is the meeting?": "Vermeer",
    "Maria likes tea. Peter likes coffee.\n\nWhat does Peter like?": "coffee",
    "Maria likes tea. Peter likes coffee.\n\nWhat does Maria like?": "tea",
}
QUESTIONS = {"facts": FACTS, "sums": SUMS, "notes": NOTES}
NUMBERS = {"eight": "8", "seven": "7", "4": "four", "7": "seven", "12": "twelve"}


def engine(path: Path) -> LlamaEngine:
    """Return the serial engine with the model loaded, which says the likeliest token."""
    made = LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=1024, temperature=0.0))
    made.load()
    return made


def written() -> str:
    """Return what people wrote."""
    return "\n".join(turn.text for turn in archives.read(WRITTEN)[0].turns)


def speed(path: Path) -> dict[str, float]:
    """Return tokens a second and MiB of this process, which has done nothing else."""
    model, text = engine(path), written()
    took: dict[str, list[float]] = {"prompt": [], "reply": []}
    for number in range(CALLS + 1):
        prompt = text[number * 1000 : number * 1000 + 850]
        arrived: list[float] = []
        began = perf_counter()
        said = model.generate(
            Call(
                messages=[Message("system", f"Conversation {number}."), Message("user", prompt)],
                max_tokens=SAID,
                script=text[-2000:],
                on_token=lambda _, arrived=arrived: arrived.append(perf_counter()),
            )
        )
        ended = perf_counter()
        if number > 0:
            took["prompt"].append((said.prompt_tokens - said.reused_tokens) / said.first_token_s)
            took["reply"].append((said.generated_tokens - 1) / (ended - began - said.first_token_s))
    held = psutil.Process().memory_full_info()
    anonymous = held.rss - held.shared
    model.close()
    return {
        **{name: median(values) for name, values in took.items()},
        "anonymous": anonymous / 2**20,
        "resident": held.rss / 2**20,
    }


def has(said: str, answer: str) -> bool:
    """Tell whether the words of ``answer`` stand in what was said, and not merely its letters."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", said, re.IGNORECASE) is not None


def answers(path: Path) -> dict[str, tuple[int, int]]:
    """Return how many of how many questions of each group are answered rightly."""
    model = engine(path)
    found = {}
    for group, questions in QUESTIONS.items():
        right = 0
        for question, answer in questions.items():
            said = model.generate(Call(messages=[Message("user", question)], max_tokens=40)).text
            right += has(said, answer) or has(said, NUMBERS.get(answer, answer))
        found[group] = (right, len(questions))
    model.close()
    return found


def likely(path: Path) -> tuple[list[float], list[list[int]]]:
    """Return the mean surprise of each piece of what people wrote, in nats a token, and its likeliest tokens."""
    model = llama_cpp.Llama(str(path), n_ctx=PIECE, n_batch=PIECE, logits_all=True, verbose=False)
    tokens = model.tokenize(written().encode(), add_bos=False)
    surprise, likeliest = [], []
    for start in range(0, PIECES * PIECE, PIECE):
        piece = tokens[start : start + PIECE]
        model.reset()
        model.eval(piece)
        logits = np.asarray(model.scores[:PIECE], dtype=np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        surprise.append(float(-logs[np.arange(PIECE - 1), piece[1:]].mean()))
        likeliest.append(logs.argmax(axis=1).tolist())
    model.close()
    return surprise, likeliest


def in_its_own_process(what: str, quant: str) -> Any:
    """Return what one of the functions above finds out about ``quant``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.quantisations", what, quant], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def spread(values: list[float], form: str = ".2f") -> str:
    """Return a mean with its interval."""
    found = Estimate(values)
    low, high = found.interval()
    return f"{found.mean:{form}} ({low:{form}} … {high:{form}})"


def ratio(of: list[float], to: list[float]) -> str:
    """Return the geometric mean of the ratios within blocks, with its interval."""
    logs = Estimate([math.log(one / other) for one, other in zip(of, to, strict=True)])
    low, high = logs.interval()
    return f"× {math.exp(logs.mean):.2f} ({math.exp(low):.2f} … {math.exp(high):.2f})"


def tell_speeds(blocks: int) -> None:
    """Measure and print how fast each quantisation is, and what it holds."""
    found: dict[str, list[dict[str, float]]] = {quant: [] for quant in requantise.QUANTS}
    for block in range(blocks):
        order = list(found)
        np.random.default_rng(block).shuffle(order)
        for quant in order:
            found[quant].append(in_its_own_process("speed", quant))
    print(f"speed and memory: medians of {blocks} blocks; ratios to {SHIPPED}, as shipped")
    for quant, each in found.items():
        by = {name: [block[name] for block in each] for name in each[0]}
        shipped = {name: [block[name] for block in found[SHIPPED]] for name in ("prompt", "reply")}
        size = resolve(f"{MODEL}:{quant}").size_bytes / 2**20
        print(
            f"{quant:5} file {size:4.0f} MiB, anonymous {median(by['anonymous']):4.0f} MiB, resident "
            f"{median(by['resident']):4.0f} MiB; prompt {median(by['prompt']):6.1f} tokens/s "
            f"{ratio(by['prompt'], shipped['prompt'])}; reply {median(by['reply']):5.1f} tokens/s "
            f"{ratio(by['reply'], shipped['reply'])}",
            flush=True,
        )


def tell_words() -> None:
    """Measure and print how well each quantisation answers, and how far it is from the shipped one."""
    print(f"\nanswers that are right, of {sum(map(len, QUESTIONS.values()))} questions, and likeness to {SHIPPED}")
    shipped: list[list[int]] = in_its_own_process("likely", SHIPPED)[1]
    for quant in requantise.QUANTS:
        groups = in_its_own_process("answers", quant)
        right, count = (sum(numbers) for numbers in zip(*groups.values(), strict=True))
        chance = binomtest(right, count).proportion_ci(method="wilson")
        surprise, likeliest = in_its_own_process("likely", quant)
        same = [float(np.mean(np.equal(*pieces))) for pieces in zip(likeliest, shipped, strict=True)]
        by_group = ", ".join(f"{group} {of[0]}/{of[1]}" for group, of in groups.items())
        print(
            f"{quant:5} right {right}/{count} ({chance.low:.2f} … {chance.high:.2f}): {by_group}; perplexity "
            f"{math.exp(np.mean(surprise)):.2f}, nats a token {spread(surprise, '.3f')}; same likeliest token "
            f"{'itself' if quant == SHIPPED else spread(same, '.3f')}",
            flush=True,
        )


def main() -> None:
    """Measure, and print."""
    if len(sys.argv) == 3:
        path = resolve(f"{MODEL}:{sys.argv[2]}").path
        print(json.dumps({"speed": speed, "answers": answers, "likely": likely}[sys.argv[1]](path)))
        return
    print("In which quantisation the real model is fastest, smallest, and answers best")
    print(
        f"{usable_cpus()} processors; llama.cpp of llama-cpp-python {llama_cpp.__version__}; "
        f"code version {code.version(None, 'memory')}; {datetime.now(UTC):%Y-%m-%d}"
    )
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS
    print(f"\n$ python -m tests.benchmarks.quantisations {blocks}\n")
    for quant in requantise.QUANTS:
        resolve(f"{MODEL}:{quant}")
    tell_words()
    print()
    tell_speeds(blocks)


if __name__ == "__main__":
    main()
