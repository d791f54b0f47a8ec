"""A stream of questions with a stated share of repeats and of paraphrases: what a hit rate is a property of."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

from experiments.workloads.paired.pairs import Family, Language, families

PERSONS = 4


class StreamQuestion(msgspec.Struct, frozen=True):
    """A question of a person, and what it means: two of one ``meaning`` have the same reply."""

    person: str
    text: str
    meaning: str


def stream(
    seed: int, language: Language, length: int, *, repeats: float, paraphrases: float
) -> Iterator[StreamQuestion]:
    """Yield ``length`` questions of the held-out families, by `PERSONS` people in turn at random.

    A share of ``repeats`` is what the same person asked before, to the letter, one of ``paraphrases`` the same in
    other words, and the rest is what this person has not asked; much of that differs in one name, or in its direction.
    Of a person who has asked nothing yet all is new.
    """
    rng = random.Random(f"stream {seed} {language} {length} {repeats} {paraphrases}")
    known = families("held-out", language)
    told: dict[str, dict[str, tuple[Family, tuple[str, ...], dict[str, str], list[str]]]] = {}
    for _ in range(length):
        person = f"person {rng.randrange(PERSONS)}"
        mine = told.setdefault(person, {})
        chance = rng.random()
        if mine and chance < repeats:
            meaning, (_, _, _, asked) = rng.choice(list(mine.items()))
            yield StreamQuestion(person, rng.choice(asked), meaning)
            continue
        if mine and chance < repeats + paraphrases:
            several = [(meaning, one) for meaning, one in mine.items() if len(one[3]) < len(one[1])]
            if several:
                meaning, (_, ways, filling, asked) = rng.choice(several)
                text = rng.choice([way.format(**filling) for way in ways if way.format(**filling) not in asked])
                asked.append(text)
                yield StreamQuestion(person, text, meaning)
                continue
        yield _new(rng, known, person, mine)


def _new(
    rng: random.Random,
    known: list[Family],
    person: str,
    mine: dict[str, tuple[Family, tuple[str, ...], dict[str, str], list[str]]],
) -> StreamQuestion:
    """Return a question whose meaning this person has not asked."""
    for _ in range(1000):
        family = rng.choice(known)
        ways = family.contrary if family.contrary and rng.random() < 0.3 else family.ways
        filling = family.filling(rng)
        text = rng.choice(ways).format(**filling)
        meaning = ways[0].format(**filling)
        if meaning not in mine:
            mine[meaning] = (family, ways, filling, [text])
            return StreamQuestion(person, text, meaning)
    raise ValueError("A stream of so many questions has more meanings than the families hold.")
