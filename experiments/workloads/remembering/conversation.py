"""Makes one long conversation from a seed, and questions about it that have one right answer."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from experiments.workloads.remembering.language import WORDS, chat, say
from experiments.workloads.remembering.values import MAKERS, Language, Split, drawn, family
from experiments.workloads.remembering.words import Act, Words

PlainKind = Literal["planted", "changed", "denied", "untold", "stranger"]
"""What the right answer is: a fact told once; the newer of two; or that nobody knows, because the fact was denied, was
never told of this person, or the person was never mentioned (someone with a similar name was)."""

NaturalKind = Literal["plain", "long", "passing", "pronoun", "paraphrased", "dated", "repeated", "retold", "updated"]
"""How a fact of a natural conversation was told, and how it is asked for (docs/remembering.md)."""

Kind: TypeAlias = PlainKind | NaturalKind

Register = Literal["dialogue", "assistant"]
"""Short turns of two people, or long turns of somebody who writes to an assistant."""

KINDS: tuple[PlainKind, ...] = ("planted", "changed", "denied", "untold", "stranger")
UNKNOWN: tuple[PlainKind, ...] = ("denied", "untold", "stranger")

_TELLING = 0.4  # of the turns tell a fact; the others are small talk
_CHANGED, _DENIED = 0.3, 0.12
_FAMILY = 3
_SHARES: dict[PlainKind, float] = {"planted": 0.45, "changed": 0.25, "denied": 0.1, "untold": 0.1, "stranger": 0.1}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: what is said, and what a good assistant replies. ``act`` is None in small talk.

    ``created`` is when, in seconds since the conversation began. In a dialogue ``speaker`` is who says it, which the
    text says too ("Marela: ..."), and nothing is replied; otherwise it is the user, who has no name.
    """

    text: str
    reply: str
    act: Act | None = None
    created: float = 0.0
    speaker: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question after all turns. ``evidence`` are the turns of which any one decides the answer, and may be none.

    A fact that was denied is decided by its denial. ``stale`` are the turns about the same fact that hold no longer.
    ``register`` is that of the evidence, None in a plain conversation, which has none. ``others`` are the values of the
    same attribute that were told, of this person or another, and are not the answer.
    """

    text: str
    answer: str
    kind: Kind
    language: Language
    evidence: tuple[int, ...]
    stale: tuple[int, ...]
    register: Register | None = None
    others: tuple[str, ...] = ()


class Conversation(msgspec.Struct, frozen=True):
    """The turns in order, and the questions."""

    turns: list[Told]
    questions: list[Question]


class ToldValues:
    """The values that were told of each attribute, whoever has it."""

    def __init__(self, facts: Iterable[tuple[Language, str, Sequence[str]]]) -> None:
        self._values: dict[tuple[Language, str], dict[str, None]] = {}
        for language, attribute, values in facts:
            self._values.setdefault((language, attribute), {}).update(dict.fromkeys(values))

    def others(self, language: Language, attribute: str, answer: str) -> tuple[str, ...]:
        """Return those of ``attribute`` but for the ``answer``, in the order of the facts."""
        return tuple(value for value in self._values.get((language, attribute), ()) if value != answer)


class Life(msgspec.Struct, kw_only=True):
    """What becomes of one fact: told, perhaps changed, perhaps denied. ``values`` are those told, oldest first."""

    person: str | None
    language: Language
    attribute: str
    values: list[str]
    denied: bool
    turns: list[int] = []

    @property
    def acts(self) -> list[Act]:
        """What is said of the fact, in order."""
        changes: list[Act] = ["change"] * (len(self.values) - 1)
        denials: list[Act] = ["deny"] if self.denied else []
        return ["state", *changes, *denials]

    def tell(self, rng: random.Random, act: Act, split: Split, among: Mapping[Language, Words] = WORDS) -> str:
        """Return one phrasing of ``act``, of those in ``among``."""
        value, old = {
            "state": (self.values[0], ""),
            "change": (self.values[-1], self.values[0]),
            "deny": ("", self.values[-1]),
            "ask": ("", ""),
        }[act]
        return say(rng, self.language, split, act, self.attribute, self.person, value, old, among)


def life(rng: random.Random, language: Language, split: Split, person: str | None, attribute: str) -> Life:
    """Return a fact about ``person`` with values of its own, which may come to be changed or denied."""
    make = MAKERS[language][WORDS[language].attributes[attribute].value]
    values = [drawn(rng, make, split)]
    if rng.random() < _CHANGED:
        values.append(drawn(rng, make, split))
        if values[1] == values[0]:
            values.pop()
    return Life(
        person=person, language=language, attribute=attribute, values=values, denied=rng.random() < _DENIED, turns=[]
    )


def converse(
    seed: int,
    turns: int,
    questions: int = 40,
    split: Split = "held-out",
    languages: Sequence[Language] = ("en", "zh"),
) -> Conversation:
    """Return a conversation of ``turns`` turns, and at most ``questions`` questions: fewer where too little was told.

    Names, values and phrasings are those of ``split``.
    """
    rng = random.Random(f"remembering {seed} {turns}")
    lives: list[Life] = []
    names: list[tuple[str, Language]] = []
    strangers: list[tuple[str, Language]] = []
    left = max(1, round(turns * _TELLING))
    for people, language in _families(rng, split, languages):
        if left <= 0:
            break
        *known, stranger = people
        for person in known:
            for attribute in rng.sample(list(WORDS[language].attributes), rng.randrange(2, 5)):
                new = life(rng, language, split, person, attribute)
                if len(new.acts) <= left:
                    lives.append(new)
                    left -= len(new.acts)
            if person is not None:
                names.append((person, language))
        if stranger is not None:
            strangers.append((stranger, language))

    order: list[Life | None] = [one for one in lives for _ in one.acts]
    order += [None] * (turns - len(order))
    rng.shuffle(order)
    told = [
        _small_talk(rng, names, languages, number) if one is None else _tell(rng, one, number, split)
        for number, one in enumerate(order)
    ]
    return Conversation(told, _questions(rng, lives, strangers, questions, split))


def _families(
    rng: random.Random, split: Split, languages: Sequence[Language]
) -> Iterator[tuple[list[str | None], Language]]:
    """Yield the speaker, then families of similar names without end, nobody twice. The last stays a stranger."""
    seen: set[str | None] = set()
    speaker: list[str | None] = [None, None]
    yield speaker, rng.choice(languages)
    while True:
        language = rng.choice(languages)
        people = [name for name in family(rng, language, split, _FAMILY + 1) if name not in seen]
        seen.update(people)
        if len(people) > 1:
            yield list(people), language


def _small_talk(
    rng: random.Random, names: Sequence[tuple[str, Language]], languages: Sequence[Language], number: int
) -> Told:
    name, language = rng.choice(names) if names else (None, rng.choice(languages))
    if name is None:
        name = {"en": "Bob", "zh": "小王"}[language]
    return Told(text=chat(rng, language, name), reply=WORDS[language].chatted, created=float(number))


def _tell(rng: random.Random, one: Life, number: int, split: Split) -> Told:
    act = one.acts[len(one.turns)]
    one.turns.append(number)
    return Told(text=one.tell(rng, act, split), reply=WORDS[one.language].noted, act=act, created=float(number))


def _questions(
    rng: random.Random, lives: list[Life], strangers: list[tuple[str, Language]], most: int, split: Split
) -> list[Question]:
    pools: dict[PlainKind, list[Question]] = {kind: [] for kind in KINDS}
    known: dict[tuple[str | None, Language], set[str]] = {}
    told = ToldValues((one.language, one.attribute, one.values) for one in lives)
    for one in lives:
        known.setdefault((one.person, one.language), set()).add(one.attribute)
        kind: PlainKind = "denied" if one.denied else "changed" if len(one.values) > 1 else "planted"
        answer = WORDS[one.language].unknown if one.denied else one.values[-1]
        pools[kind].append(
            Question(
                text=one.tell(rng, "ask", split),
                answer=answer,
                kind=kind,
                language=one.language,
                evidence=(one.turns[-1],),
                stale=tuple(one.turns[:-1]),
                others=told.others(one.language, one.attribute, answer),
            )
        )
    for (person, language), attributes in known.items():
        rest = [attribute for attribute in WORDS[language].attributes if attribute not in attributes]
        pools["untold"].append(_unanswerable(rng, language, split, rng.choice(rest), person, "untold", told))
    for name, language in strangers:
        attribute = rng.choice(list(WORDS[language].attributes))
        pools["stranger"].append(_unanswerable(rng, language, split, attribute, name, "stranger", told))
    chosen: list[Question] = []
    for kind, pool in pools.items():
        rng.shuffle(pool)
        chosen += pool[: round(_SHARES[kind] * most)]
    rng.shuffle(chosen)
    return chosen


def _unanswerable(
    rng: random.Random,
    language: Language,
    split: Split,
    attribute: str,
    person: str | None,
    kind: PlainKind,
    told: ToldValues,
) -> Question:
    answer = WORDS[language].unknown
    return Question(
        text=say(rng, language, split, "ask", attribute, person),
        answer=answer,
        kind=kind,
        language=language,
        evidence=(),
        stale=(),
        others=told.others(language, attribute, answer),
    )
