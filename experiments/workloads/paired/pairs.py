"""Pairs of questions of four kinds, from a seed: the first's reply answers the second in one kind, in three not.

"paraphrase": the same meaning in other words. "polarity": the same turned round, by a word or by who does it to whom.
"changed": one name or number is another, often a like one; in the same words or in others. "history": the same words,
but something else was said before, or another person says them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import permutations
from typing import Literal, get_args

import msgspec

from experiments.workloads.paired import chinese, english

Kind = Literal["paraphrase", "polarity", "changed", "history"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Split = Literal["settling", "held-out"]
Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_DATA = {"en": english, "zh": chinese}
_SLOT = re.compile(r"\{(\w+)\}")
# Fillings of each family that one set of pairs has.
_FILLINGS = 4


class QuestionPair(msgspec.Struct, frozen=True):
    """Two questions: what was asked ``first`` and had a reply, and what is asked ``then``; of one ``family``.

    ``before_first`` and ``before_then`` are what the person had said just before each; ``another`` says whether
    somebody else asks the second.
    """

    kind: Kind
    language: Language
    family: str
    first: str
    then: str
    before_first: str = ""
    before_then: str = ""
    another: bool = False

    @property
    def same(self) -> bool:
        """Whether the first's reply answers the second."""
        return self.kind == "paraphrase"


class Family(msgspec.Struct, frozen=True):
    """A meaning with slots: the ways to ask it, the ways to ask the contrary, and the values of each slot."""

    name: str
    language: Language
    ways: tuple[str, ...]
    contrary: tuple[str, ...]
    values: dict[str, tuple[str, ...]]

    def filling(self, rng: random.Random) -> dict[str, str]:
        """Return a value for each slot."""
        return {slot: rng.choice(values) for slot, values in self.values.items()}

    def changed(self, rng: random.Random, filling: dict[str, str]) -> dict[str, str]:
        """Return ``filling`` with another value in one slot."""
        slot = rng.choice(list(self.values))
        return filling | {slot: rng.choice([value for value in self.values[slot] if value != filling[slot]])}


def families(split: Split, language: Language) -> list[Family]:
    """Return the families of a split: those of the two splits share neither frames nor values."""
    data = _DATA[language]
    text, values = (data.SETTLING if split == "settling" else data.HELD_OUT), data.VALUES[split]
    found = []
    for number, block in enumerate(text.strip().split("\n\n")):
        lines = block.split("\n")
        slots = dict.fromkeys(_SLOT.findall(block))
        found.append(
            Family(
                f"{language}-{split}-{number}",
                language,
                tuple(line for line in lines if not line.startswith("- ")),
                tuple(line[2:] for line in lines if line.startswith("- ")),
                {slot: tuple(values[slot].split(",")) for slot in slots},
            )
        )
    return found


def pairs(seed: int, split: Split, language: Language) -> list[QuestionPair]:
    """Return pairs of all kinds, the same for the same seed, each but once."""
    rng = random.Random(f"pairs {seed} {split} {language}")
    every = [pair for family in families(split, language) for _ in range(_FILLINGS) for pair in _of(family, rng)]
    return list(dict.fromkeys([*every, *_histories(split, language)]))


def _of(family: Family, rng: random.Random) -> Iterator[QuestionPair]:
    filling = family.filling(rng)
    other = family.changed(rng, filling)
    for one, two in permutations(family.ways, 2):
        yield QuestionPair("paraphrase", family.language, family.name, one.format(**filling), two.format(**filling))
    way, *others = rng.sample(family.ways, 2)
    for two in (way, *others):
        yield QuestionPair("changed", family.language, family.name, way.format(**filling), two.format(**other))
    for contrary in family.contrary:
        for one in (family.ways[0], rng.choice(family.ways)):
            first, then = one.format(**filling), contrary.format(**filling)
            yield QuestionPair("polarity", family.language, family.name, first, then)
            yield QuestionPair("polarity", family.language, family.name, then, first)


def _histories(split: Split, language: Language) -> Iterator[QuestionPair]:
    for number, (question, (one, other)) in enumerate(_DATA[language].LEANING):
        if (number % 2 == 0) == (split == "settling"):
            for another in (False, True):
                for before, after in ((one, other), (other, one)):
                    yield QuestionPair(
                        "history", language, f"{language}-h{number}", question, question, before, after, another
                    )
