"""Successive states of an agent's session, as JSON, made from a seed: what a step adds is small beside what there is.

The words are common English ones drawn by Zipf's law, so that zstd makes of a text about what it makes of a written
one (a half to a third), where the lab's conversations, made of sentences with gaps, would shrink to next to nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, Literal, get_args

import msgspec

Kind = Literal["conversation", "window", "tools", "fields"]
"""What grows: every message of a ``conversation``; the last ones only, as agents with a bounded history hold them
(``window``); messages and the mostly-empty tables that ``tools`` return; nothing, but some of many ``fields`` change.
"""

KINDS: tuple[Kind, ...] = get_args(Kind)

_WINDOW = 20  # messages, as many as the agents' histories hold by default
_FIELDS = 60
_ROWS, _COLUMNS, _FILLED = 24, 10, 0.1  # of a tool's table, and the share of its cells that holds something
_NAMES = "Anna Boris Carla David Elena Felix Greta Hugo Irene Jonas Katya Leon Maria Nils Olga Paul Quinn Rosa".split()
_STATUSES = ("waiting", "running", "done", "failed", "retried")
_INSTRUCTIONS = 120  # words


def successive(seed: str, kind: Kind, steps: int) -> Iterator[bytes]:
    """Yield the states of one session after each of ``steps`` steps."""
    rng = random.Random(f"states {kind} {seed}")
    fields: dict[str, Any] = {
        "session": f"{rng.randrange(16**12):012x}",
        "agent": "support",
        "instructions": _text(random.Random("instructions"), _INSTRUCTIONS),
        "messages": [],
        "tools": [],
        "plan": {f"step {place}": "waiting" for place in range(_FIELDS if kind == "fields" else 4)},
        "counters": {"turns": 0, "tokens": 0, "cost": 0.0, "updated": 1.7e9},
    }
    for _ in range(steps):
        _step(rng, kind, fields)
        yield msgspec.json.encode(fields)


def _step(rng: random.Random, kind: Kind, fields: dict[str, Any]) -> None:
    plan, counters = fields["plan"], fields["counters"]
    counters["turns"] += 1
    counters["updated"] = round(counters["updated"] + rng.uniform(2, 600), 3)
    for name in rng.sample(list(plan), 2):
        plan[name] = rng.choice(_STATUSES)
    if kind == "fields":
        return
    asked, answered = _text(rng, rng.randrange(8, 40)), _text(rng, rng.randrange(20, 90))
    fields["messages"] += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    counters["tokens"] += (len(asked) + len(answered)) // 4
    counters["cost"] = round(counters["tokens"] * 3e-6, 6)
    if kind == "window":
        del fields["messages"][:-_WINDOW]
    if kind == "tools":
        fields["tools"].append({"tool": "orders", "called": _text(rng, 4), "rows": _table(rng)})


def _table(rng: random.Random) -> list[dict[str, int | None]]:
    names = [f"column_{place}" for place in range(_COLUMNS)]
    return [{name: rng.randrange(1, 5000) if rng.random() < _FILLED else None for name in names} for _ in range(_ROWS)]


def _text(rng: random.Random, words: int) -> str:
    common, weights = _vocabulary()
    drawn = rng.choices(common, cum_weights=weights, k=words)
    for place in range(0, words, 12):  # a sentence
        end = min(place + 11, words - 1)
        drawn[place] = drawn[place].capitalize()
        drawn[rng.randint(place, end)] = rng.choice((*_NAMES, str(rng.randrange(10_000))))
        drawn[end] += "."
    return " ".join(drawn)


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Return the words, the commonest first, and their chances, each added to those before it."""
    words = list(dict.fromkeys((files("systems.models") / "english.txt").read_text(encoding="utf-8").split()))
    return words, list(accumulate(1 / (place + 3) for place in range(len(words))))
