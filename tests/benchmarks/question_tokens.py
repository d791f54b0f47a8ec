"""How many tokens the questions of the studies are to each vocabulary, by language.

    python -m tests.benchmarks.question_tokens [MODEL ...]

Without a name: SmolLM2, and the shape 135m, whose vocabulary this project made. A mean over a thousand questions and
replies of each workload. Nothing is timed, and a machine in use says the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from statistics import fmean

from experiments.measuring.records import ENGLISH_WORKLOAD, WORKLOAD
from experiments.measuring.workload import Turn, workloads
from systems.models.find import resolve
from systems.models.llama_library import llama_cpp
from tests.benchmarks.quantisations import headline

USERS, TURNS = 200, 10
MODELS = ("smollm2:q4_0", "135m:q4_0")


def spoken() -> dict[str, list[Turn]]:
    """Return the turns of the workloads, by workload and language."""
    both, english = (workloads.get(name)(0, USERS, TURNS) for name in (WORKLOAD, ENGLISH_WORKLOAD))
    flat = [turn for turns in both for turn in turns]
    return {
        f"{WORKLOAD}, English": [turn for turn in flat if turn.text.isascii()],
        f"{WORKLOAD}, Chinese": [turn for turn in flat if not turn.text.isascii()],
        f"{ENGLISH_WORKLOAD}": [turn for turns in english for turn in turns],
    }


def main() -> None:
    """Count, and print."""
    headline("How many tokens what users say is, to each vocabulary: a question, and its planned reply")
    for name in sys.argv[1:] or MODELS:
        vocabulary = llama_cpp.Llama(str(resolve(name).path), vocab_only=True, verbose=False)

        def mean(texts: Iterable[str], vocabulary: llama_cpp.Llama = vocabulary) -> float:
            return fmean(len(vocabulary.tokenize(text.encode(), add_bos=False)) for text in texts)

        for whose, turns in spoken().items():
            question, reply = mean(turn.text for turn in turns), mean(turn.reply for turn in turns)
            print(f"{name:14} {whose:20} {question:6.1f} {reply:6.1f}", flush=True)


if __name__ == "__main__":
    main()
