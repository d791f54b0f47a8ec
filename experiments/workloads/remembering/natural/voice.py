"""How a text of `Talk` becomes what somebody says: its places filled, one of its variants drawn."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import msgspec

from experiments.workloads.remembering.natural.chinese_talk import CHINESE
from experiments.workloads.remembering.natural.english_talk import ENGLISH
from experiments.workloads.remembering.natural.words import Talk
from experiments.workloads.remembering.values import Language, Split

TALK: dict[Language, Talk] = {"en": ENGLISH, "zh": CHINESE}

_FORMS = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_VARIANTS = re.compile(r"<([^<>]*)>")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")
_FACT = re.compile(r"\{F\}[.。] ?")


class Person(msgspec.Struct, frozen=True):
    """Somebody facts are told of. ``related`` people are the user's ("my sister"): only the user speaks of them."""

    name: str
    language: Language
    woman: bool
    related: bool = False


def pairs(first: int, cores: Sequence[str], frames: Sequence[str], split: Split) -> list[tuple[str, str]]:
    """Return the pairs of a core and a frame that belong to ``split``.

    Every core and every frame of five or more is in both splits, no pair is. ``first`` shifts which pairs are held out.
    """
    return [
        (core, frame)
        for row, core in enumerate(cores)
        for column, frame in enumerate(frames)
        if ((first + 3 * row + column) % 5 == 0) == (split == "held-out")
    ]


def filled(
    text: str, person: Person, *, oneself: bool = False, value: str = "", detail: str = "", when: str = ""
) -> str:
    """Return ``text`` with its places filled; ``oneself``: the person speaks."""
    talk = TALK[person.language]
    if oneself:
        subject, owner, he, his, him = talk.oneself
        target = him
    else:
        subject, owner, target = person.name, talk.owner.format(person.name), person.name
        he, his, him = talk.women if person.woman else talk.men
    chosen = _FORMS.sub(r"\2" if oneself else r"\1", text)
    places = {"S": subject, "P": owner, "S_object": target, "he": he, "his": his, "him": him}
    for name, said in {**places, "V": value, "D": detail, "W": when}.items():
        chosen = chosen.replace(f"{{{name}}}", said)
    return _ARTICLE.sub(r"\1n ", chosen) if person.language == "en" else chosen


def called(text: str, person: Person, detail: str) -> str:
    """Return what a topic is called after the ``person`` was named: "her kitten"."""
    he, his, him = TALK[person.language].women if person.woman else TALK[person.language].men
    pronouns = {"{S}": he, "{P}": his, "{S_object}": him, "{D}": detail}
    chosen = _FORMS.sub(r"\1", text)
    for place, said in pronouns.items():
        chosen = chosen.replace(place, said)
    return chosen


def varied(rng: random.Random, text: str) -> str:
    """Return ``text`` with one drawn of each of its variants."""
    return _VARIANTS.sub(lambda found: rng.choice(found[1].split("|")), text)


def framed(frame: str, said: str) -> str:
    """Return ``said`` in a frame of a fact or of a question."""
    for begins, goes_on in (("{F}", "{f}"), ("{Q}", "{q}"), ("{R}", "{r}")):
        frame = frame.replace(begins, begun(said)).replace(goes_on, said)
    return begun(frame)


def begun(text: str) -> str:
    """Return ``text`` as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def without_fact(story: str) -> str:
    """Return a story that tells no fact."""
    return _FACT.sub("", story)
