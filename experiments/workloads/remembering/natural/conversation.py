"""Makes one long natural conversation from a seed, and questions about it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import get_args

from experiments.workloads.remembering.conversation import (
    Conversation,
    NaturalKind,
    Question,
    Register,
    Told,
    ToldValues,
)
from experiments.workloads.remembering.natural.facts import NaturalFact, Stream, Teller, Unit
from experiments.workloads.remembering.natural.people import Cast
from experiments.workloads.remembering.values import Language, Split

NATURAL_KINDS: tuple[NaturalKind, ...] = get_args(NaturalKind)
REGISTERS: tuple[Register, ...] = get_args(Register)

_TELLING = 0.7  # of the turns belong to facts; the others are small talk
_TURNS_A_FRIEND, _MOST_FRIENDS = 250, 4
_UNITS_A_SESSION = (3, 9)
_SESSIONS_APART_S = (5 * 3600, 4 * 86400)
_TURNS_APART_S = (20, 180)


def converse_naturally(
    seed: int,
    turns: int,
    questions: int = 200,
    split: Split = "held-out",
    languages: Sequence[Language] = ("en", "zh"),
) -> Conversation:
    """Return a conversation of ``turns`` turns in sessions of both registers, and at most ``questions`` questions.

    Every kind of question has an equal share, fewer where too little was told. Names, values and phrasings are those of
    ``split``.
    """
    rng = random.Random(f"natural {seed} {turns}")
    friends = min(_MOST_FRIENDS, 1 + turns // _TURNS_A_FRIEND)
    said: set[str] = set()
    tellers: dict[tuple[Language, Register], Teller] = {}
    for language in languages:
        cast = Cast(rng, language, split, friends)
        for register in REGISTERS:
            tellers[language, register] = Teller(rng, split, cast, register, said)
    facts = _facts(tellers, languages, max(1, round(turns * _TELLING)))
    order = _scattered(rng, tellers, facts, turns)
    told, evidence = _told(rng, order)
    return Conversation(told, _questions(rng, facts, evidence, questions))


def _facts(
    tellers: dict[tuple[Language, Register], Teller], languages: Sequence[Language], room: int
) -> list[NaturalFact]:
    """Return facts of ``room`` turns, of every kind in turn, in every register and language in turn."""
    facts: list[NaturalFact] = []
    turn, idle = 0, 0
    while room > 0 and idle < len(NATURAL_KINDS):
        place, number = turn % len(NATURAL_KINDS), turn // len(NATURAL_KINDS)
        turn += 1
        register = REGISTERS[(number + place) % len(REGISTERS)]
        language = languages[(number // len(REGISTERS) + place // 2) % len(languages)]
        fact = tellers[language, register].make(NATURAL_KINDS[place])
        if fact is None or fact.turns > room:
            idle += 1
            continue
        idle = 0
        facts.append(fact)
        room -= fact.turns
    return facts


def _scattered(
    rng: random.Random, tellers: dict[tuple[Language, Register], Teller], facts: Sequence[NaturalFact], turns: int
) -> list[list[tuple[NaturalFact | None, Unit]]]:
    """Return sessions: the units of every fact in order, others and small talk between, each stream by itself."""
    streams: dict[Stream, list[NaturalFact | Unit]] = defaultdict(list)
    for fact in facts:
        streams[fact.stream] += [fact] * len(fact.units)
    room = turns - sum(fact.turns for fact in facts)
    while room > 0:
        stream = rng.choice(list(streams))
        unit = tellers[stream.language, stream.register].small_talk(stream, room)
        streams[stream].append(unit)
        room -= len(unit)
    waiting: dict[Stream, list[list[tuple[NaturalFact | None, Unit]]]] = {}
    for stream, items in streams.items():
        rng.shuffle(items)
        waiting[stream] = list(_sessions(rng, items))
    # A session is drawn from the stream that has most left, by chance: none of them ends long before the others.
    order = [stream for stream, sessions in waiting.items() for _ in sessions]
    rng.shuffle(order)
    return [waiting[stream].pop(0) for stream in order]


def _sessions(
    rng: random.Random, items: Sequence[NaturalFact | Unit]
) -> Iterator[list[tuple[NaturalFact | None, Unit]]]:
    begun: dict[int, int] = defaultdict(int)
    session: list[tuple[NaturalFact | None, Unit]] = []
    size = rng.randint(*_UNITS_A_SESSION)
    for item in items:
        if isinstance(item, NaturalFact):
            session.append((item, item.units[begun[id(item)]]))
            begun[id(item)] += 1
        else:
            session.append((None, item))
        if len(session) == size:
            yield session
            session, size = [], rng.randint(*_UNITS_A_SESSION)
    if session:
        yield session


class _Places:
    """The turns that decide a fact's question, and those that hold no longer."""

    def __init__(self) -> None:
        self.evidence: list[int] = []
        self.stale: list[int] = []


def _told(
    rng: random.Random, sessions: Sequence[Sequence[tuple[NaturalFact | None, Unit]]]
) -> tuple[list[Told], dict[int, _Places]]:
    turns: list[Told] = []
    places: dict[int, _Places] = defaultdict(_Places)
    clock = 0.0
    for session in sessions:
        for fact, unit in session:
            for line in unit:
                if fact is not None and line.decides:
                    places[id(fact)].evidence.append(len(turns))
                if fact is not None and line.stale:
                    places[id(fact)].stale.append(len(turns))
                turns.append(Told(text=line.text, reply=line.reply, act=line.act, created=clock, speaker=line.speaker))
                clock += rng.randint(*_TURNS_APART_S)
        clock += rng.randint(*_SESSIONS_APART_S)
    return turns, places


def _questions(
    rng: random.Random, facts: Sequence[NaturalFact], places: dict[int, _Places], most: int
) -> list[Question]:
    pools: dict[tuple[NaturalKind, Register], list[Question]] = defaultdict(list)
    told = ToldValues((fact.stream.language, fact.attribute, fact.values) for fact in facts)
    for fact in facts:
        pools[fact.kind, fact.stream.register].append(
            Question(
                text=fact.question,
                answer=fact.answer,
                kind=fact.kind,
                language=fact.stream.language,
                evidence=tuple(places[id(fact)].evidence),
                stale=tuple(places[id(fact)].stale),
                register=fact.stream.register,
                others=told.others(fact.stream.language, fact.attribute, fact.answer),
            )
        )
    for pool in pools.values():
        rng.shuffle(pool)
    share, rest = divmod(most, len(NATURAL_KINDS))
    chosen: list[Question] = []
    for number, kind in enumerate(NATURAL_KINDS):
        # The registers in turn, then what is left where one has more.
        in_turn = chain.from_iterable(zip_longest(*(pools[kind, register] for register in REGISTERS)))
        chosen += [one for one in in_turn if one is not None][: share + (number < rest)]
    rng.shuffle(chosen)
    return chosen
