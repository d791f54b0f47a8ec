from __future__ import annotations

import hashlib
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.workloads.remembering.conversation import UNKNOWN, Question, converse
from experiments.workloads.remembering.language import WORDS, phrasings
from experiments.workloads.remembering.values import NAMES, drawn, family, is_held_out

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(20, 300))
@settings(max_examples=10, deadline=None)
def test_a_conversation_is_as_long_as_asked_and_the_same_for_the_same_seed(seed: int, turns: int) -> None:
    made = converse(seed, turns)

    assert len(made.turns) == turns
    assert made.questions
    assert converse(seed, turns) == made


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_the_evidence_holds_the_answer_and_what_is_stale_came_before_it(seed: int) -> None:
    made = converse(seed, 200)

    for question in made.questions:
        if question.kind in ("untold", "stranger"):
            assert not question.evidence
            continue
        [evidence] = question.evidence
        assert all(stale < evidence for stale in question.stale)
        assert bool(question.stale) == (question.kind in ("changed", "denied"))
        if question.kind not in UNKNOWN:
            assert question.answer in made.turns[evidence].text


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_nobody_tells_what_has_no_answer(seed: int) -> None:
    made = converse(seed, 200)
    texts = [turn.text for turn in made.turns if turn.act]

    for question in made.questions:
        if question.kind in UNKNOWN:
            assert question.answer == WORDS[question.language].unknown
        if question.kind == "stranger":
            assert not any(name in text for name in _names(question) for text in texts)


def _names(question: Question) -> list[str]:
    """The capitalised word of an English question that is no sentence's beginning."""
    words = [word.removesuffix("'s") for word in question.text.strip("?").split()[1:]]
    return [word for word in words if word[0].isupper() and question.language == "en" and word != "I"]


@pytest.mark.parametrize("turns", [20, 5000])
def test_every_kind_of_question_is_asked_where_there_is_room(turns: int) -> None:
    kinds = {question.kind for seed in range(5) for question in converse(seed, turns).questions}

    assert kinds == {"planted", "changed", "denied", "untold", "stranger"}


def test_the_two_splits_share_no_name_no_value_and_no_phrasing() -> None:
    training = {turn.text for seed in range(5) for turn in converse(seed, 1000, split="training").turns if turn.act}
    held_out = {turn.text for seed in range(5) for turn in converse(seed, 1000).turns if turn.act}
    assert not training & held_out

    for (language, words), act in product(WORDS.items(), ("state", "change", "deny", "ask")):
        for attribute in words.attributes:
            seen, kept = (set(phrasings(language, split, act, attribute)) for split in ("training", "held-out"))
            assert kept
            assert not seen & kept
            assert {core for core, _ in kept} <= {core for core, _ in seen}


@given(st.randoms(use_true_random=False), st.sampled_from(["en", "zh"]), st.sampled_from(["training", "held-out"]))
@settings(max_examples=25, deadline=None)
def test_a_family_has_similar_names_of_its_split(rng, language, split) -> None:
    first, *others = family(rng, language, split, 4)

    for name in (first, *others):
        assert is_held_out(name) == (split == "held-out")
    for name in others:
        assert sum(ours != theirs for ours, theirs in zip(first, name, strict=True)) == 1


def test_a_language_can_be_chosen() -> None:
    made = converse(1, 200, languages=["zh"])

    assert {question.language for question in made.questions} == {"zh"}
    assert all(any(letter >= "\u4e00" for letter in turn.text) for turn in made.turns)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_a_drawn_name_belongs_to_its_split(rng) -> None:
    assert not is_held_out(drawn(rng, NAMES["zh"], "training"))


def test_a_plain_conversation_stays_what_the_model_that_reads_was_graded_on() -> None:
    made = converse(1, 500, 100)
    said = repr([turn.text + turn.reply for turn in made.turns] + [one.text + one.answer for one in made.questions])
    assert hashlib.md5(said.encode(), usedforsecurity=False).hexdigest() == "e783ffa762f1f0a1896e83229ea32b38"
