"""In which quantisation the real model is fastest, smallest, and answers best.

    python -m tests.benchmarks.quantisations [BLOCKS]

*Speed*: a fresh process each, which alternate in blocks: the serial engine (llama.cpp, on one thread) computes a prompt
of some 150 tokens that it has seen nothing of, and says 16 scripted tokens; the median of two calls after one to warm
up. Of CPU time, which what else runs on the machine takes nothing from. Ratios are to the model as it was shipped,
q4_1, within a block: geometric mean and 95 % interval. *Memory* is what that process holds in the end: anonymous
(weights that llama.cpp laid out anew are there a second time), and with the mapped file.

*Answers*: questions, each right if the reply of at most 32 tokens, at temperature 0, has the answer's words; 95 %
intervals by Wilson, and which questions are won and lost beside q4_1, with an exact McNemar test. *Perplexity* of a
conversation that people wrote, and how often the likeliest token is the one that the shipped model holds likeliest:
over pieces of 128 tokens, with 95 % intervals of the mean. Everything is compared with q4_1 because nothing better was
published in a package: another quantisation can lose of it, and gain nothing.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import psutil
from scipy.stats import binomtest

from experiments.analysis.intervals import Estimate
from experiments.measuring import code
from experiments.measuring.probes import host
from experiments.workloads import archives
from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.models import requantise
from systems.models.find import resolve
from systems.models.llama_library import llama_cpp

MODEL, SHIPPED = "smollm2", "q4_1"
BLOCKS, CALLS, SAID = 6, 2, 16
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
# What is said, what is asked, and what may stand in the place of "{}".
TOLD = (
    ("My dog is called {}.", "What is my dog called?", "Rufus Bella Max Luna Oscar Daisy"),
    ("I live in {}.", "In which town do I live?", "Utrecht Porto Ghent Oslo Lyon Leeds"),
    ("I work as a {}.", "What is my job?", "baker plumber nurse teacher carpenter pilot"),
    ("My favourite colour is {}.", "What is my favourite colour?", "purple green orange blue red yellow"),
    ("My sister is called {}.", "What is my sister called?", "Anna Maria Julia Clara Eva Nora"),
    ("I was born in {}.", "In which year was I born?", "1984 1962 1975 1991 1958 2001"),
    ("I am allergic to {}.", "What am I allergic to?", "peanuts pollen cats milk eggs wasps"),
    ("I drive a {}.", "Which car do I drive?", "Volvo Fiat Toyota Ford Honda Skoda"),
    ("I play the {}.", "Which instrument do I play?", "cello piano flute violin trumpet harp"),
    ("My flight leaves at {}.", "When does my flight leave?", "9:40 7:15 12:30 18:05 21:50 6:20"),
)


def _notes() -> dict[str, str]:
    """Return questions about one of two things that were said right before, the first as often as the second."""
    found = {}
    for number, (said, asked, values) in enumerate(TOLD):
        other, _, others = TOLD[(number + 1) % len(TOLD)]
        for turn, (value, beside) in enumerate(zip(values.split(), others.split(), strict=True)):
            told = [said.format(value), other.format(beside)]
            found[f"{' '.join(told if turn % 2 else told[::-1])}\n\n{asked}"] = value
    return found


NOTES = _notes()
QUESTIONS = {"facts": FACTS, "sums": SUMS, "notes": NOTES}
NUMBERS = {"eight": "8", "seven": "7", "4": "four", "7": "seven", "12": "twelve"}


GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0)


def engine(path: Path, threads: int | None = None) -> LlamaEngine:
    """Return the serial engine with the model loaded, which says the likeliest token."""
    made = LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=1024, threads=threads, sampling=GREEDY))
    made.load()
    return made


def written() -> str:
    """Return what people wrote."""
    return "\n".join(turn.text for turn in archives.read(WRITTEN)[0].turns)


def speed(path: Path) -> dict[str, float]:
    """Return tokens per second of CPU time, and MiB of this process, which has done nothing else."""
    model, text = engine(path, threads=1), written()
    found: dict[str, list[float]] = {"prompt": [], "reply": []}
    for number in range(CALLS + 1):
        asked = text[number * 1000 : number * 1000 + 600]
        arrived: list[float] = []
        began = process_time()
        said = model.generate(
            Call(
                messages=[Message("system", f"Conversation {number}."), Message("user", asked)],
                max_tokens=SAID,
                script=text[-2000:],
                on_token=lambda _, arrived=arrived: arrived.append(process_time()),
            )
        )
        if number > 0:
            found["prompt"].append((said.prompt_tokens - said.reused_tokens) / (arrived[0] - began))
            found["reply"].append((said.generated_tokens - 1) / (arrived[-1] - arrived[0]))
    held = psutil.Process().memory_full_info()
    anonymous = held.rss - held.shared
    model.close()
    return {
        **{name: median(values) for name, values in found.items()},
        "anonymous": anonymous / 2**20,
        "resident": held.rss / 2**20,
    }


def has(said: str, answer: str) -> bool:
    """Tell whether the words of ``answer`` stand in what was said, and not merely its letters."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", said, re.IGNORECASE) is not None


def answers(path: Path) -> dict[str, list[bool]]:
    """Return of each group which questions are answered rightly."""
    model = engine(path)
    found: dict[str, list[bool]] = {}
    for group, questions in QUESTIONS.items():
        for question, answer in questions.items():
            said = model.generate(Call(messages=[Message("user", question)], max_tokens=32)).text
            found.setdefault(group, []).append(has(said, answer) or has(said, NUMBERS.get(answer, answer)))
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
            f"{quant:6} file {size:4.0f} MiB, anonymous {median(by['anonymous']):4.0f} MiB, resident "
            f"{median(by['resident']):4.0f} MiB; prompt {median(by['prompt']):6.1f} tokens/s "
            f"{ratio(by['prompt'], shipped['prompt'])}; reply {median(by['reply']):5.1f} tokens/s "
            f"{ratio(by['reply'], shipped['reply'])}",
            flush=True,
        )


def tell_words() -> None:
    """Measure and print how well each quantisation answers, and how far it is from the shipped one."""
    print(f"answers that are right, of {sum(map(len, QUESTIONS.values()))} questions, and likeness to {SHIPPED}")
    shipped: list[list[int]] = in_its_own_process("likely", SHIPPED)[1]
    before = list(chain(*in_its_own_process("answers", SHIPPED).values()))
    for quant in requantise.QUANTS:
        groups: dict[str, list[bool]] = in_its_own_process("answers", quant)
        every = list(chain(*groups.values()))
        chance = binomtest(sum(every), len(every)).proportion_ci(method="wilson")
        pairs = list(zip(every, before, strict=True))
        won, lost = pairs.count((True, False)), pairs.count((False, True))
        by_group = ", ".join(f"{group} {sum(of)}/{len(of)}" for group, of in groups.items())
        surprise, likeliest = in_its_own_process("likely", quant)
        same = [float(np.mean(np.equal(*pieces))) for pieces in zip(likeliest, shipped, strict=True)]
        print(
            f"{quant:6} right {sum(every) / len(every):.2f} ({chance.low:.2f} … {chance.high:.2f}): {by_group}; "
            f"beside {SHIPPED} {won} won, {lost} lost{_chance(won, lost)}; "
            f"perplexity {math.exp(np.mean(surprise)):.1f}, nats a token {spread(surprise, '.3f')}; "
            f"same likeliest token {spread(same, '.3f')}",
            flush=True,
        )


def _chance(won: int, lost: int) -> str:
    """Return how probable so unequal a count is by chance alone (an exact McNemar test)."""
    return f" (p {binomtest(won, won + lost).pvalue:.3f})" if won + lost else ""


def headline(title: str) -> None:
    """Print what was measured, and on what."""
    machine = host.environment()
    print(title)
    print(
        f"{machine['cpus_allowed']} × {machine['cpu_model']}; llama.cpp of llama-cpp-python {llama_cpp.__version__}; "
        f"code version {code.version(None, 'memory')}; {datetime.now(UTC):%Y-%m-%d}\n",
        flush=True,
    )


def main() -> None:
    """Measure, and print."""
    if len(sys.argv) == 3:
        path = resolve(f"{MODEL}:{sys.argv[2]}").path
        print(json.dumps({"speed": speed, "answers": answers, "likely": likely}[sys.argv[1]](path)))
        return
    headline("In which quantisation the real model is fastest, smallest, and answers best")
    for quant in requantise.QUANTS:
        resolve(f"{MODEL}:{quant}")
    tell_words()
    print()
    tell_speeds(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS)


if __name__ == "__main__":
    main()
