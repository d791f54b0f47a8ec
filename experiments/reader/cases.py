"""What the reader learns from: short conversations as the systems send them, and questions about what is in them.

A case is one prompt, laid out by `systems.turn.prompt.build`: an exchange or more of history, notes that retrieval
might have found (facts, small talk, older questions, in any order, some missing), and the question. The truth is what
the prompt says, not what was once told: what is missing from it cannot be known. A share of the lines and questions,
which may be all or none, is in the wider wordings (`experiments.reader.wordings`); the others are the workload's.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping
from typing import Literal

import msgspec

from experiments.reader.wordings import WIDER
from experiments.workloads.remembering.conversation import Life, life
from experiments.workloads.remembering.language import WORDS, chat, say
from experiments.workloads.remembering.values import CHARACTERS_ZH, NAMES, Language, Split, drawn, family, is_held_out
from experiments.workloads.remembering.words import Act, Words
from systems.engines.interface import Message
from systems.interface import Observed
from systems.turn.prompt import build

Truth = Literal["planted", "changed", "denied", "untold", "similar", "told"]
"""What a question asks for: see `experiments.workloads.remembering.conversation.Kind`; "similar" asks for a person
whose name is like that of one with such a fact; "told" is no question but something to note, or small talk."""

ANSWERABLE: tuple[Truth, ...] = ("planted", "changed")

_ASKED = 8
_WILD = 0.2  # of values and names are no word of the language at all, but any letters or characters
_ANSWERED = 0.65  # of the questions, where the prompt holds any answer
_TOLD = 0.3  # of what has no answer
_RENEWED = 0.4  # of the questions, where there are wider wordings, are of what was changed or denied if anything was
_ONESELF = re.compile(r"\b(I|[Mm]y|me)\b|我")
_SPOKEN: tuple[tuple[Language, ...], ...] = (("en",), ("zh",), ("en", "zh"))
_ALL_CHARACTERS = (0x4E00, 0x9FA5)


class Span(msgspec.Struct, frozen=True):
    """A part of a text, by the numbers of its characters."""

    start: int
    end: int


class Fact(msgspec.Struct, frozen=True):
    """A line that tells, changes or denies a fact, and where in it the person and the value are."""

    text: str
    person: Span
    value: Span


class _Asked(msgspec.Struct, frozen=True):
    """A question, its right answer, and what it asks for.

    ``person`` is where a question names whom it asks about; ``decided_by`` is the line that its answer is in, or that
    denies it.
    """

    text: str
    answer: str
    truth: Truth
    person: Span | None = None
    decided_by: Fact | None = None


class Case(msgspec.Struct, frozen=True):
    """The messages of a prompt, the facts in it, the question that ends it, and further ones that might as well."""

    messages: list[Message]
    facts: list[Fact]
    asked: _Asked
    more: list[_Asked]


class _Line(msgspec.Struct, frozen=True):
    text: str
    reply: str


class _Talk:
    """Says things in phrasings of ``split``, a share of ``wide`` of them in the wider wordings."""

    def __init__(self, rng: random.Random, split: Split, wide: float) -> None:
        self.rng, self.split, self.wide = rng, split, wide

    def tell(self, one: Life, act: Act) -> str:
        return one.tell(self.rng, act, self.split, self._among())

    def ask(self, language: Language, attribute: str, person: str) -> str:
        return say(self.rng, language, self.split, "ask", attribute, person, among=self._among())

    def chat(self, language: Language, name: str) -> str:
        return chat(self.rng, language, name, self._among())

    def name(self, language: Language) -> str:
        """Return the name of anybody."""
        return drawn(self.rng, NAMES[language], self.split)

    def _among(self) -> Mapping[Language, Words]:
        # Nothing is drawn for none of them: what is measured on the workload's own stays the same cases.
        return WIDER if self.wide and self.rng.random() < self.wide else WORDS


def case(rng: random.Random, split: Split, lines: int, similar: float = 1.0, wide: float = 0.0) -> Case:
    """Return a case of names, values and phrasings of ``split``: at most about ``lines`` lines besides the question.

    ``similar`` is the share of families in which all names are like one another; in the others none need be. ``wide``
    is the share of what is said in the wider wordings.
    """
    talk = _Talk(rng, split, wide)
    lives = _lives(rng, split, rng.randint(1, lines), _WILD, similar)
    visible: dict[int, dict[Act, Fact]] = {}
    told: list[_Line] = []
    for number, one in enumerate(lives):
        acts = [act for act in one.acts if rng.random() < 0.85][: lines - len(told)]
        visible[number] = {act: _fact(talk, one, act) for act in acts}
        told += [_Line(fact.text, WORDS[one.language].noted) for fact in visible[number].values()]
    other = [_other(talk, lives) for _ in range(rng.randint(0, max(1, (lines - len(told)) // 2)))]

    # Some is history, in the order it was said; the rest is notes, in any order.
    mixed = list(told)
    for line in other:
        mixed.insert(rng.randint(0, len(mixed)), line)
    share = rng.choice((0.0, 0.0, 0.3, 0.6, 1.0))
    past = [line for line in mixed if rng.random() < share][-8:]
    kept = [line for line in mixed if line not in past]
    rng.shuffle(kept)
    history = [message for line in past for message in (Message("user", line.text), Message("assistant", line.reply))]
    asked = [_ask(talk, lives, visible) for _ in range(_ASKED)]
    messages = build("bracketed", history, [line.text for line in kept], _observed(rng), asked[0].text)
    facts = [fact for acts in visible.values() for fact in acts.values()]
    return Case(messages, facts, asked[0], asked[1:])


def _fact(talk: _Talk, one: Life, act: Act) -> Fact:
    text = talk.tell(one, act)
    value = one.values[0] if act == "state" else one.values[-1]
    start = text.rindex(value)
    return Fact(text, _person(text[:start], one.person), Span(start, start + len(value)))


def _question(talk: _Talk, one: Life, answer: str, truth: Truth, decided_by: Fact | None = None) -> _Asked:
    text = talk.tell(one, "ask")
    return _Asked(text, answer, truth, _person(text, one.person), decided_by)


def _person(text: str, name: str | None) -> Span:
    """Return where ``text`` last names a person, None being the speaker."""
    pattern = _ONESELF if name is None else re.compile(re.escape(name), re.IGNORECASE)
    *_, last = pattern.finditer(text)
    return Span(*last.span())


def _lives(rng: random.Random, split: Split, most: int, wild: float, similar: float) -> list[Life]:
    lives: list[Life] = []
    spoken = rng.choice(_SPOKEN)
    while len(lives) < most:
        language = rng.choice(spoken)
        people: list[str | None] = [*_people(rng, language, split, rng.randint(1, 3), wild, similar)]
        if rng.random() < 0.2:
            people.append(None)
        attributes = rng.sample(list(WORDS[language].attributes), rng.randint(1, 4))
        taken = {(one.person, one.language) for one in lives}
        for person in people:
            if (person, language) not in taken:
                lives += [_wild(rng, life(rng, language, split, person, attribute), wild) for attribute in attributes]
    rng.shuffle(lives)
    return lives[:most]


def _people(rng: random.Random, language: Language, split: Split, size: int, wild: float, similar: float) -> list[str]:
    if rng.random() < similar:
        people = family(rng, language, split, size)
    else:
        people = list(dict.fromkeys(drawn(rng, NAMES[language], split) for _ in range(size)))
    if rng.random() < wild:
        people[0] = _anything(rng, language)
    return people


def _wild(rng: random.Random, one: Life, wild: float) -> Life:
    if rng.random() < wild:
        one.values = [_anything(rng, one.language) for _ in one.values]
    return one


def _anything(rng: random.Random, language: Language) -> str:
    """Return a word of no language: letters, digits or characters, now and then of the rarest."""
    while True:
        if language == "en":
            letters = string.digits if rng.random() < 0.2 else string.ascii_lowercase
            made = "".join(rng.choice(letters) for _ in range(rng.randint(2, 8)))
            made = made.capitalize() if rng.random() < 0.8 else made
        else:
            made = "".join(
                chr(rng.randint(*_ALL_CHARACTERS)) if rng.random() < 0.1 else rng.choice(CHARACTERS_ZH)
                for _ in range(rng.randint(1, 4))
            )
        if not is_held_out(made):
            return made


def _statement(talk: _Talk) -> _Asked:
    """Return something new that the user says and that asks nothing."""
    rng = talk.rng
    new = _lives(rng, talk.split, 1, 0.0, 1.0)[0]
    words = WORDS[new.language]
    if rng.random() < 0.5:
        return _Asked(talk.chat(new.language, new.person or talk.name(new.language)), words.chatted, "told")
    return _Asked(talk.tell(new, rng.choice(new.acts)), words.noted, "told")


def _other(talk: _Talk, lives: list[Life]) -> _Line:
    """Return small talk, or a question of an earlier turn with the answer it may have had then."""
    rng = talk.rng
    one = rng.choice(lives)
    words = WORDS[one.language]
    name = one.person or talk.name(one.language)
    if rng.random() < 0.6:
        return _Line(talk.chat(one.language, name), words.chatted)
    return _Line(talk.ask(one.language, rng.choice(list(words.attributes)), name), words.unknown)


def _ask(talk: _Talk, lives: list[Life], visible: dict[int, dict[Act, Fact]]) -> _Asked:
    rng = talk.rng
    if talk.wide and rng.random() < _RENEWED:
        renewed = [n for n, acts in visible.items() if "change" in acts or "deny" in acts]
        if renewed:
            number = rng.choice(renewed)
            return _known(talk, lives[number], visible[number])
    answerable = [n for n, acts in visible.items() if acts and "deny" not in acts]
    if answerable and rng.random() < _ANSWERED:
        number = rng.choice(answerable)
        return _known(talk, lives[number], visible[number])
    if rng.random() < _TOLD:
        return _statement(talk)
    return _unanswerable(talk, lives, visible)


def _known(talk: _Talk, one: Life, acts: dict[Act, Fact]) -> _Asked:
    """Return a question about something the prompt tells, or denies."""
    if "deny" in acts:
        return _question(talk, one, WORDS[one.language].unknown, "denied", acts["deny"])
    if "change" in acts:
        return _question(talk, one, one.values[-1], "changed", acts["change"])
    return _question(talk, one, one.values[0], "planted", acts["state"])


def _unanswerable(talk: _Talk, lives: list[Life], visible: dict[int, dict[Act, Fact]]) -> _Asked:
    """Return a question the prompt holds no answer to: as near to what it holds as can be."""
    rng = talk.rng
    one = rng.choice(lives)
    words = WORDS[one.language]
    denied = [n for n, acts in visible.items() if "deny" in acts]
    if denied and rng.random() < 0.4:
        number = rng.choice(denied)
        return _known(talk, lives[number], visible[number])
    known = {(lives[n].person, lives[n].language, lives[n].attribute): acts for n, acts in visible.items() if acts}
    truth: Truth = "untold" if rng.random() < 0.5 else "similar"
    person, attribute = one.person, one.attribute
    if truth == "untold" or person is None:
        attribute = rng.choice(list(words.attributes))
    else:
        person = _near(talk, lives, one)
    if (person, one.language, attribute) in known:
        person = talk.name(one.language)
    if (person, one.language, attribute) in known:
        return _unanswerable(talk, lives, visible)
    asked = msgspec.structs.replace(one, person=person, attribute=attribute)
    return _question(talk, asked, words.unknown, truth)


def _near(talk: _Talk, lives: list[Life], one: Life) -> str:
    """Return the name of someone else: like that of ``one``, or of another one in the prompt."""
    rng = talk.rng
    assert one.person is not None
    others = [other.person for other in lives if other.person and other.language == one.language]
    if rng.random() < 0.5:
        return rng.choice(others)
    place = rng.randrange(len(one.person))
    pool = string.ascii_lowercase if one.language == "en" else CHARACTERS_ZH
    letter = rng.choice(pool)
    near = one.person[:place] + (letter.upper() if one.person[place].isupper() else letter) + one.person[place + 1 :]
    return near if is_held_out(near) == (talk.split == "held-out") else talk.name(one.language)


def _observed(rng: random.Random) -> Observed:
    return Observed(
        clock=f"20{rng.randrange(20, 40)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02} "
        f"{rng.randrange(24):02}:{rng.randrange(60):02}",
        system=f"processor {rng.randrange(100)} %, memory {rng.randrange(100)} % of "
        f"{rng.randrange(10, 640) / 10:.1f} GiB, disk {rng.randrange(100)} %",
        emotion=rng.choice(("neutral", "neutral", "happy", "sad", "angry", "worried")),
    )
