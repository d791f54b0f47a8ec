"""Phrasings: a core in a frame. One pair in five is held out for grading; every core and frame is in both splits."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from experiments.workloads.remembering.chinese import CHINESE
from experiments.workloads.remembering.english import ENGLISH
from experiments.workloads.remembering.values import Language, Split
from experiments.workloads.remembering.words import Act, Words

WORDS: dict[Language, Words] = {"en": ENGLISH, "zh": CHINESE}

_EITHER = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")


def phrasings(
    language: Language, split: Split, act: Act, attribute: str, among: Mapping[Language, Words] = WORDS
) -> list[tuple[str, str]]:
    """Return the cores with their frames. Every core and every frame is in both splits; no pair of them is."""
    words = among[language]
    cores: tuple[str, ...] = getattr(words.attributes[attribute], act)
    frames = words.asking if act == "ask" else words.telling
    first = list(words.attributes).index(attribute)
    return [
        (core, frame)
        for row, core in enumerate(cores)
        for column, frame in enumerate(frames)
        if ((first + 3 * row + column) % 5 == 0) == (split == "held-out")
    ]


def say(
    rng: random.Random,
    language: Language,
    split: Split,
    act: Act,
    attribute: str,
    person: str | None,
    value: str = "",
    old: str = "",
    among: Mapping[Language, Words] = WORDS,
) -> str:
    """Return one phrasing of ``split``: ``act`` on the ``attribute`` of ``person``, None being the speaker.

    It is one of those in ``among``; the workload's own if not given.
    """
    words = among[language]
    core, frame = rng.choice(phrasings(language, split, act, attribute, among))
    subject, owner = words.oneself if person is None else (person, words.owner.format(person))
    core = _EITHER.sub(r"\1" if person is not None else r"\2", core)
    target = "me" if person is None and language == "en" else subject
    said = core.format(S=subject, P=owner, V=value, O=old, S_object=target)
    if language == "en" and frame.startswith("{core}"):
        said = said[0].upper() + said[1:]
    return frame.format(core=said)


def chat(rng: random.Random, language: Language, name: str, among: Mapping[Language, Words] = WORDS) -> str:
    """Return a line of small talk, which may mention ``name`` and says nothing of worth."""
    return rng.choice(among[language].small_talk).format(N=name)
