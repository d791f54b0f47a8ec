"""Measures a reader on cases held out from its training: ``python -m experiments.reader.measure --model FILE``.

Through the engine that the systems use, each case is one prompt as they send it, and the reply is graded exactly.
First come cases all in the workload's wordings, then cases all in the wider ones (`experiments.reader.wordings`).
Prints a table for the model card; what the docs say of the reader is from results/reader.txt, which this wrote.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
from scipy.stats import binomtest

from experiments.grading.answers import is_exact, is_refusal
from experiments.reader.cases import ANSWERABLE, Case, Truth, case
from systems.engines.interface import Call, Engine
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.models.find import resolve

LINES = (3, 6, 10, 14)
"""Lines in a prompt, at most: facts, small talk and older questions. By default systems send 3 notes, 5 exchanges."""

_TOKENS = 32

# What says after a value that it holds now; where nothing does, something before it said so.
_AFTERWARDS = re.compile(r" (now|these days)\b|了")


class Measured(msgspec.Struct, frozen=True):
    """One case: how long its prompt was, what was asked, in which language, and whether the reply was right.

    ``afterwards`` says of what was changed whether it was told so after the value ("lives in Delft now").
    """

    lines: int
    truth: Truth
    afterwards: bool
    chinese: bool
    right: bool


def measure(engine: Engine, seed: int, cases: int, wide: float) -> Iterator[Measured]:
    """Yield the grades of ``cases`` held-out cases of each length in `LINES`; statements to be noted are left out.

    ``wide`` is the share of the wider wordings in them.
    """
    for lines in LINES:
        rng = random.Random(f"measure {seed} {lines}")
        left = cases
        while left:
            found = case(rng, "held-out", lines, wide=wide)
            if found.asked.truth != "told":
                left -= 1
                yield _graded(engine, found, lines)


def _graded(engine: Engine, found: Case, lines: int) -> Measured:
    answer = engine.generate(Call(messages=found.messages, max_tokens=_TOKENS)).text
    asked = found.asked
    right = is_exact(answer, asked.answer) if asked.truth in ANSWERABLE else is_refusal(answer)
    decided_by = asked.decided_by
    afterwards = (
        asked.truth == "changed"
        and decided_by is not None
        and _AFTERWARDS.match(decided_by.text, decided_by.value.end) is not None
    )
    return Measured(lines, asked.truth, afterwards, any(letter >= "\u4e00" for letter in asked.text), right)


def table(measured: list[Measured]) -> str:
    """Return the shares of right replies with their 95 % intervals (Wilson), a line a group."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in measured:
        kind = "answered exactly" if one.truth in ANSWERABLE else "refused rightly"
        for group in (
            kind,
            f"{kind}, {one.truth}{', told after the value' if one.afterwards else ''}",
            f"{kind}, {'Chinese' if one.chinese else 'English'}",
            f"{kind}, up to {one.lines} lines",
        ):
            groups[group].append(one.right)
    rows = []
    for group, found in sorted(groups.items()):
        low, high = binomtest(sum(found), len(found)).proportion_ci(method="wilson")
        rows.append(
            f"{group:<45} {sum(found):>5} of {len(found):<5} {sum(found) / len(found):.3f} ({low:.3f} … {high:.3f})"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="reader", help="a GGUF file; the shipped reader if not given")
    parser.add_argument("--cases", type=int, default=500, help="of each length")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the table, besides printing it")
    chosen = parser.parse_args()
    model = resolve(chosen.model)
    engine = LlamaEngine(LlamaSettings(model_path=str(model.path)))
    engine.load()
    try:
        found = "\n\nin the wider wordings\n\n".join(
            table(list(measure(engine, chosen.seed, chosen.cases, wide))) for wide in (0.0, 1.0)
        )
    finally:
        engine.close()
    report = (
        f"{model.name}, sha256 {model.sha256}, {chosen.cases} held-out cases a length, seed {chosen.seed}\n\n{found}\n"
    )
    print(report)
    if chosen.out is not None:
        chosen.out.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
