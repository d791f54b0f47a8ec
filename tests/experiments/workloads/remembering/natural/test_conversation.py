from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.workloads.remembering.natural.conversation import NATURAL_KINDS, converse_naturally
from experiments.workloads.remembering.natural.voice import TALK, framed, pairs
from experiments.workloads.remembering.values import Language
from systems.memory.words import asked

seeds = st.integers(0, 10_000)
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SESSION_GAP_S = 3600


@given(seeds, st.integers(20, 300))
@settings(max_examples=15, deadline=None)
def test_a_conversation_is_as_long_as_asked_and_the_same_for_the_same_seed(seed: int, turns: int) -> None:
    made = converse_naturally(seed, turns)

    assert len(made.turns) == turns
    assert made.questions
    assert converse_naturally(seed, turns) == made
    assert all(earlier.created < later.created for earlier, later in zip(made.turns, made.turns[1:], strict=False))


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_every_place_is_filled_and_every_variant_drawn(seed: int) -> None:
    made = converse_naturally(seed, 300)

    for text in (*(turn.text + turn.reply for turn in made.turns), *(one.text for one in made.questions)):
        assert not set(text) & set("{}<>[]|"), text


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_the_evidence_holds_the_answer_is_said_once_and_comes_after_what_is_stale(seed: int) -> None:
    made = converse_naturally(seed, 400)
    said = Counter(turn.text for turn in made.turns)

    for question in made.questions:
        assert question.evidence
        assert len(question.evidence) == (2 if question.kind == "retold" else 1)
        for turn in question.evidence:
            assert said[made.turns[turn].text] == 1
            assert all(stale < turn for stale in question.stale)
            assert (made.turns[turn].speaker is None) == (question.register == "assistant")
            if question.kind != "paraphrased" and not (question.kind == "plain" and question.stale):
                assert question.answer in made.turns[turn].text
        if question.kind not in ("plain", "updated"):
            assert not question.stale
        assert question.kind != "updated" or len(question.stale) == 1


@pytest.mark.parametrize("languages", [("en", "zh"), ("en",), ("zh",)])
@pytest.mark.parametrize("turns", [500, 5_000])
def test_every_kind_is_asked_twenty_times_in_both_registers(turns: int, languages: tuple[Language, ...]) -> None:
    made = converse_naturally(3, turns, 200, languages=languages)
    kinds = Counter(question.kind for question in made.questions)
    registers = Counter((question.kind, question.register) for question in made.questions)

    assert len(made.questions) == 200
    assert all(kinds[kind] >= 20 for kind in NATURAL_KINDS)
    assert all(registers[kind, register] >= 8 for kind in NATURAL_KINDS for register in ("dialogue", "assistant"))
    assert {question.language for question in made.questions} == set(languages)


def test_the_registers_share_the_turns_and_differ_in_length() -> None:
    made = converse_naturally(4, 2_000, languages=("en",))
    dialogue = [len(turn.text.split()) for turn in made.turns if turn.speaker]
    assistant = [len(turn.text.split()) for turn in made.turns if turn.speaker is None]

    assert 0.3 < len(dialogue) / len(made.turns) < 0.7
    assert sum(assistant) / len(assistant) > 1.5 * sum(dialogue) / len(dialogue)


def test_what_is_told_in_passing_stands_in_a_long_turn_about_something_else() -> None:
    made = converse_naturally(4, 1_000, 400, languages=("en",))

    for question in made.questions:
        if question.kind == "passing":
            assert 30 <= len(made.turns[question.evidence[0]].text.split()) <= 90


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paraphrased_question_shares_no_term_with_its_fact(language: Language) -> None:
    talk = TALK[language]

    assert len(talk.paraphrases) >= 40
    for one in talk.paraphrases.values():
        for ask, frame in product(one.ask, talk.short_asking):
            assert not set(asked(one.tell)) & set(asked(framed(frame, ask))), (one.tell, ask)


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_a_pronoun_is_understood_by_the_turn_before_it_in_the_same_session(seed: int) -> None:
    made = converse_naturally(seed, 400)

    for question in made.questions:
        if question.kind == "pronoun":
            [short] = question.evidence
            before = made.turns[short - 1]
            assert made.turns[short].created - before.created < SESSION_GAP_S
            own, context, words = (set(asked(text)) for text in (made.turns[short].text, before.text, question.text))
            assert len(words & context) > len(words & own)


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_what_is_asked_again_was_told_before_it_was_asked(seed: int) -> None:
    made = converse_naturally(seed, 400)

    for question in made.questions:
        if question.kind == "repeated":
            askings = [place for place, turn in enumerate(made.turns) if turn.text.endswith(question.text)]
            assert askings
            assert all(made.turns[place].act == "ask" for place in askings)
            assert max(question.evidence) < min(askings)


def test_the_two_splits_share_no_phrasing_and_every_core_is_in_both() -> None:
    for talk in TALK.values():
        frames = (talk.telling, talk.saying, talk.short_asking, talk.long_asking, talk.recalling, talk.stories)
        cores = [one for topic in talk.topics.values() for one in (topic.tell, topic.update, topic.ask, topic.recall)]
        cores += [one for event in talk.events.values() for one in (event.tell, event.ask)]
        for first, (core, frame) in enumerate(product(cores, frames)):
            kept, seen = (pairs(first, core, frame, split) for split in ("held-out", "training"))
            assert kept
            assert not set(kept) & set(seen)
            assert {one for one, _ in kept} == {one for one, _ in seen} == set(core)


def test_the_two_splits_share_no_fact() -> None:
    facts = [
        {turn.text for seed in range(3) for turn in converse_naturally(seed, 800, split=split).turns if turn.act}
        for split in ("training", "held-out")
    ]
    told_of_oneself = {one.tell for talk in TALK.values() for one in talk.paraphrases.values()}
    shared = facts[0] & facts[1]
    assert shared <= told_of_oneself  # a paraphrase is held out by its question


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_enough_to_talk_about(language: Language) -> None:
    talk = TALK[language]
    assert len(talk.topics) >= 15
    assert all(len(topic.tell) >= 3 and len(topic.ask) >= 3 for topic in talk.topics.values())

    made = converse_naturally(1, 5_000, languages=(language,))
    assert len({turn.text for turn in made.turns}) > 0.75 * len(made.turns)
