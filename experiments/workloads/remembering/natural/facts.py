"""Facts of a natural conversation, each with the turns that tell it and the question that asks for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from experiments.workloads.remembering.conversation import NaturalKind, Register, life
from experiments.workloads.remembering.language import WORDS
from experiments.workloads.remembering.natural.people import Cast, Matter
from experiments.workloads.remembering.natural.values import NATURAL_MAKERS
from experiments.workloads.remembering.natural.voice import (
    TALK,
    Person,
    begun,
    called,
    filled,
    framed,
    pairs,
    varied,
    without_fact,
)
from experiments.workloads.remembering.natural.words import Talk, Topic
from experiments.workloads.remembering.values import Language, Split, drawn
from experiments.workloads.remembering.words import Act

_TRIES = 60
# Who asks again and again asks shortly, mostly.
_AT_LENGTH: dict[NaturalKind, float] = {"long": 1, "repeated": 0.2}


class SpokenLine(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a fact, or of small talk: ``decides`` the answer, or told what holds no longer (``stale``)."""

    text: str
    speaker: str | None
    reply: str = ""
    act: Act | None = None
    decides: bool = False
    stale: bool = False


Unit = tuple[SpokenLine, ...]
"""Turns that follow each other at once."""


class Stream(NamedTuple):
    """Sessions of one kind: in a language, and in a dialogue with a friend."""

    language: Language
    register: Register
    friend: Person | None


class NaturalFact(msgspec.Struct, kw_only=True):
    """What is told in ``units``, in that order with other things between, and asked for afterwards.

    ``attribute`` names what the fact is of, and ``values`` are those that were told, oldest first.
    """

    kind: NaturalKind
    stream: Stream
    units: list[Unit]
    question: str
    answer: str
    attribute: str
    values: list[str]

    @property
    def turns(self) -> int:
        """How many turns it takes."""
        return sum(map(len, self.units))


class Teller:
    """Makes facts of every kind in one stream."""

    def __init__(self, rng: random.Random, split: Split, cast: Cast, register: Register, said: set[str]) -> None:
        self._rng, self._split, self._cast, self._said = rng, split, cast, said
        self._language: Language = cast.user.language
        self._register: Register = register
        self._talk: Talk = TALK[self._language]
        self._stream = self._pick()

    def make(self, kind: NaturalKind) -> NaturalFact | None:
        """Return a new fact of ``kind``; None where there is none left that was not told before."""
        self._stream = self._pick()
        match kind:
            case "plain":
                return self._plain()
            case "paraphrased":
                return self._paraphrased()
            case "dated":
                return self._dated()
            case "pronoun":
                return self._pronoun()
            case _:
                return self._topical(kind)

    def small_talk(self, stream: Stream, room: int) -> Unit:
        """Return one or, where there is ``room``, two turns that tell nothing."""
        self._stream = stream
        rng, dialogue = self._rng, stream.friend is not None
        drawn_share = rng.random()
        if drawn_share < (0.35 if dialogue else 0.45) or (dialogue and room < 2):
            return (self._line(self._remark(), rng.random() < 0.5),)
        if dialogue and drawn_share < 0.9:
            first = rng.random() < 0.5
            name = self._named()
            asked, answered = (varied(rng, line.replace("{N}", name)) for line in rng.choice(self._talk.exchanged))
            return self._line(begun(asked), first), self._line(begun(answered), not first)
        return (self._line(self._story(), rng.random() < 0.5),)

    def _topical(self, kind: NaturalKind) -> NaturalFact | None:
        # Nobody is asked about themselves as if they were somebody else.
        excluded = self._cast.friends if kind == "repeated" else []
        slot = next(slot for slot in self._cast.topical if slot.person not in excluded)
        topic, first = self._talk.topics[slot.name], list(self._talk.topics).index(slot.name)
        self._meet(slot.person)
        for _ in range(_TRIES):
            value, newer = self._value(topic.value), self._value(topic.value)
            if value == newer:
                continue
            values = [value, newer] if kind == "updated" else [value]
            told, user = self._frame(topic.tell, first), self._by_user(slot.person)
            if kind == "passing":
                lines = [self._told(slot, value, self._passing(topic, first), user, decides=True)]
            elif kind == "updated":
                update = self._frame(topic.update, first)
                lines = [
                    self._told(slot, value, told, user, stale=True),
                    self._told(slot, newer, update, user, act="change", decides=True),
                ]
                value = newer
            else:
                phrasings = [told, self._frame(topic.tell, first, told[0])] if kind == "retold" else [told]
                lines = [self._told(slot, value, one, user, decides=True) for one in phrasings]
            if self._is_new(lines):
                break
        else:
            return None
        question = self._asked(slot, topic, first, long=self._rng.random() < _AT_LENGTH.get(kind, 0.5))
        units: list[Unit] = [(line,) for line in lines]
        if kind == "repeated":
            units += self._askings(slot, topic, first, question, value)
        return NaturalFact(
            kind=kind, stream=self._stream, units=units, question=question, answer=value,
            attribute=slot.name, values=values,
        )  # fmt: skip

    def _askings(self, slot: Matter, topic: Topic, first: int, question: str, value: str) -> list[Unit]:
        """Return earlier askings of the ``question``, the first word for word, each with an answer."""
        asked = [question]
        if self._rng.random() < 0.5:
            asked.append(self._asked(slot, topic, first, long=self._rng.random() < _AT_LENGTH["repeated"]))
        units: list[Unit] = []
        for text in asked:
            answer = varied(self._rng, self._talk.answering.replace("{V}", value))
            line = msgspec.structs.replace(self._line(text, user=True), act="ask")
            if self._stream.friend is None:
                units.append((msgspec.structs.replace(line, reply=begun(answer)),))
            else:
                units.append((line, self._line(begun(answer), user=False)))
        return units

    def _dated(self) -> NaturalFact | None:
        name = self._rng.choice(list(self._talk.events))
        event, first = self._talk.events[name], list(self._talk.events).index(name)
        person = self._cast.stranger_to(name)
        when = self._rng.choice(self._talk.whens)
        for _ in range(_TRIES):
            line = self._told(
                Matter(person, name, ""),
                "",
                self._frame(event.tell, first),
                self._by_user(person),
                when=when,
                decides=True,
            )
            if self._is_new([line]):
                return NaturalFact(
                    kind="dated", stream=self._stream, units=[(line,)], answer=when, attribute="when", values=[when],
                    question=self._question(person, event.ask, self._asking(), first),
                )  # fmt: skip
        return None

    def _pronoun(self) -> NaturalFact | None:
        name = self._rng.choice(list(self._talk.exchanges))
        exchange, first = self._talk.exchanges[name], list(self._talk.exchanges).index(name)
        person = self._cast.stranger_to(name)
        for _ in range(_TRIES):
            detail, value = self._value(exchange.detail), self._value(exchange.value)
            user = self._rng.random() < 0.5
            dialogue = self._stream.friend is not None
            before, followed, short = (
                begun(varied(self._rng, filled(text, person, value=value, detail=detail)))
                for text in (
                    exchange.asked if dialogue else exchange.told, exchange.followed, self._rng.choice(exchange.short)
                )
            )  # fmt: skip
            line = msgspec.structs.replace(self._line(before, user), **({} if dialogue else {"reply": followed}))
            answer = msgspec.structs.replace(self._line(short, not user), act="state", decides=True)
            if self._is_new([answer]):
                return NaturalFact(
                    kind="pronoun", stream=self._stream, units=[(line, answer)], answer=value,
                    attribute=name, values=[value],
                    question=self._question(person, exchange.ask, self._asking(), first, detail=detail),
                )  # fmt: skip
        return None

    def _paraphrased(self) -> NaturalFact | None:
        # By name: nobody says of themselves in the one language what they said in the other.
        left = [name for name in self._talk.paraphrases if name not in self._said]
        if not left:
            return None
        name = self._rng.choice(left)
        self._said.add(name)
        one, first = self._talk.paraphrases[name], list(self._talk.paraphrases).index(name)
        core, frame = self._rng.choice(pairs(first, one.ask, self._talk.short_asking, self._split))
        line = msgspec.structs.replace(self._line(one.tell, user=True), act="state", decides=True)
        return NaturalFact(
            kind="paraphrased", stream=self._stream, units=[(line,)], question=framed(frame, core), answer=one.answer,
            attribute=name, values=[one.answer],
        )  # fmt: skip

    def _plain(self) -> NaturalFact:
        person, attribute = next(self._cast.attributes)
        one, user = life(self._rng, self._language, self._split, person.name, attribute), self._by_user(person)
        units: list[Unit] = []
        for act in one.acts:
            line = self._line(one.tell(self._rng, act, self._split), user)
            newest = len(units) == len(one.acts) - 1
            units.append((msgspec.structs.replace(line, act=act, decides=newest, stale=not newest),))
        answer = WORDS[self._language].unknown if one.denied else one.values[-1]
        asked = one.tell(self._rng, "ask", self._split)
        return NaturalFact(
            kind="plain", stream=self._stream, units=units, question=asked, answer=answer,
            attribute=attribute, values=one.values,
        )  # fmt: skip

    def _pick(self) -> Stream:
        friend = self._rng.choice(self._cast.friends) if self._register == "dialogue" else None
        return Stream(self._language, self._register, friend)

    def _meet(self, person: Person) -> None:
        """Turn to the friend whom a fact is about: friends speak for themselves."""
        if self._stream.friend is not None and person in self._cast.friends:
            self._stream = self._stream._replace(friend=person)

    def _by_user(self, person: Person) -> bool:
        """Return whether the user tells of ``person``; in a dialogue the friend may."""
        if self._stream.friend is None or person.related or person == self._cast.user:
            return True
        return person != self._stream.friend and self._rng.random() < 0.5

    def _value(self, maker: str) -> str:
        return drawn(self._rng, NATURAL_MAKERS[self._language][maker], self._split)

    def _frame(self, cores: Sequence[str], first: int, only: str = "") -> tuple[str, str]:
        """Return one of the ``cores``, or the ``only`` one that may be drawn, and a frame."""
        frames = self._talk.telling if self._stream.friend is None else self._talk.saying
        drawn_from = pairs(first, cores, frames, self._split)
        return self._rng.choice([pair for pair in drawn_from if only in ("", pair[0])])

    def _passing(self, topic: Topic, first: int) -> tuple[str, str]:
        """Return a core, and a story in which it is led to."""
        stories = self._talk.stories if self._stream.friend is None else self._talk.rambles
        core, story = self._rng.choice(pairs(first, topic.tell, stories, self._split))
        return core, story.replace("{F}", self._rng.choice(self._talk.linking))

    def _told(
        self, slot: Matter, value: str, phrasing: tuple[str, str], user: bool, when: str = "", act: Act = "state",
        decides: bool = False, stale: bool = False,
    ) -> SpokenLine:  # fmt: skip
        core, frame = phrasing
        speaker = self._cast.user if user else self._stream.friend
        fact = filled(core, slot.person, oneself=slot.person == speaker, value=value, detail=slot.detail, when=when)
        line = self._line(framed(varied(self._rng, frame), fact), user)
        return msgspec.structs.replace(line, act=act, decides=decides, stale=stale)

    def _line(self, text: str, user: bool) -> SpokenLine:
        """Return what the user, or else the friend, says; to an assistant only the user speaks."""
        if self._stream.friend is None:
            return SpokenLine(text=text, speaker=None, reply=self._rng.choice(self._talk.replies))
        name = self._cast.user.name if user else self._stream.friend.name
        return SpokenLine(text=self._talk.line.format(name, text), speaker=name)

    def _asked(self, slot: Matter, topic: Topic, first: int, *, long: bool) -> str:
        if long and self._rng.random() < 0.5:
            return self._question(slot.person, topic.recall, self._talk.recalling, first, slot.detail)
        frames = self._talk.long_asking if long else self._talk.short_asking
        return self._question(slot.person, topic.ask, frames, first, slot.detail)

    def _asking(self) -> Sequence[str]:
        return self._rng.choice((self._talk.short_asking, self._talk.long_asking))

    def _question(
        self, person: Person, cores: Sequence[str], frames: Sequence[str], first: int, detail: str = ""
    ) -> str:
        core, frame = self._rng.choice(pairs(first, cores, frames, self._split))
        return framed(varied(self._rng, frame), filled(core, person, oneself=person == self._cast.user, detail=detail))

    def _is_new(self, lines: Sequence[SpokenLine]) -> bool:
        """Return whether none of these texts was said before, and note them if so."""
        texts = {line.text for line in lines}
        if len(texts) < len(lines) or texts & self._said:
            return False
        self._said |= texts
        return True

    def _remark(self) -> str:
        person = self._rng.choice(self._cast.known())
        topic = self._rng.choice(list(self._talk.topics.values()))
        about = called(topic.about, person, self._rng.choice(topic.details))
        remark = varied(self._rng, self._rng.choice(self._talk.remarks)).replace(
            "{today}", self._rng.choice(self._talk.todays)
        )
        return begun(remark.replace("{N}", person.name).replace("{T}", about))

    def _named(self) -> str:
        return self._rng.choice(self._cast.known()).name

    def _story(self) -> str:
        stories = self._talk.stories if self._stream.friend is None else self._talk.rambles
        return varied(self._rng, without_fact(self._rng.choice(stories)))
