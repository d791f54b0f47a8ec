from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.reader.cases import case
from experiments.reader.rows import NOWHERE, Rows
from experiments.reader.shape import reader_shape
from experiments.reader.vocabulary import END_ID, vocabulary
from experiments.reader.wordings import WIDER
from experiments.workloads.remembering.language import WORDS, phrasings
from experiments.workloads.remembering.words import Act
from systems.engines.interface import Message
from systems.engines.llama_text import LlamaText
from systems.turn.layouts import LAYOUTS

seeds = st.integers(0, 100_000)
shares = st.sampled_from([0.0, 0.5, 1.0])  # of the wider wordings
ACTS: tuple[Act, ...] = ("state", "change", "deny", "ask")


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows(reader_shape())


@pytest.fixture(scope="module")
def text(rows: Rows) -> LlamaText:
    return rows.text


@given(seeds, st.integers(1, 14), st.sampled_from(["training", "held-out"]), shares)
@settings(max_examples=80, deadline=None)
def test_what_can_be_answered_is_in_the_prompt_and_what_cannot_be_is_refused(seed, lines, split, wide) -> None:
    made = case(random.Random(seed), split, lines, wide=wide)
    prompt = "\n".join(message.content for message in made.messages)

    assert prompt.endswith(made.asked.text)
    for asked in (made.asked, *made.more):
        if asked.truth in ("planted", "changed"):
            assert asked.answer in prompt
        elif asked.truth != "told":
            assert asked.answer in ("I don't know.", "我不知道。")
    assert case(random.Random(seed), split, lines, wide=wide) == made


@given(seeds, shares)
@settings(max_examples=20, deadline=None)
def test_a_row_learns_every_answer_to_its_end(rows: Rows, seed: int, wide: float) -> None:
    made = case(random.Random(seed), "training", 6, wide=wide)
    row = rows.row(made)

    assert len(row.tokens) == len(row.weights) == len(row.questions) == len(row.answers) == len(row.places)
    for number, asked in enumerate((made.asked, *made.more), 1):
        learned = [
            (token, weight)
            for token, weight, answer in zip(row.tokens, row.weights, row.answers, strict=True)
            if answer == number
        ]
        assert learned == [(token, 1.0) for token in (*rows.text.tokens(asked.answer), END_ID)]
    assert len(row.truths) == 1 + len(made.more) == max(row.answers)


@given(seeds, st.integers(1, 14), shares)
@settings(max_examples=40, deadline=None)
def test_what_is_looked_up_is_the_next_token_of_the_answer_or_nowhere(
    rows: Rows, seed: int, lines: int, wide: float
) -> None:
    made = case(random.Random(seed), "training", lines, wide=wide)
    row = rows.row(made)

    for number, asked in enumerate((made.asked, *made.more), 1):
        answer = [place for place, belongs in enumerate(row.answers) if belongs == number]
        looked_up = [row.looked_up[place - 1] for place in answer]
        if asked.truth in ("planted", "changed"):
            copied = [row.tokens[place] for place in looked_up[:-1]]
            # A value that looks like words may be cut in one way after a space and in another without.
            assert copied == [row.tokens[place] for place in answer[:-1]] or not any(looked_up)
        elif asked.truth == "denied":
            assert row.questions[looked_up[0]] == 0 < looked_up[0] != NOWHERE
        else:
            assert looked_up[0] == (0 if asked.truth == "told" else NOWHERE)


@given(seeds, shares)
@settings(max_examples=20, deadline=None)
def test_the_tokens_of_a_person_are_known_and_those_that_follow(rows: Rows, seed: int, wide: float) -> None:
    made = case(random.Random(seed), "training", 6, wide=wide)
    row = rows.row(made)

    for number, fact in enumerate(made.facts, 1):
        named, rest = (
            b"".join(rows.text.piece(row.tokens[place]) for place, one in enumerate(numbers) if one == number).decode()
            for numbers in (row.persons, row.about)
        )
        assert named.strip() == fact.text[fact.person.start : fact.person.end]
        assert rest == fact.text[fact.person.end :]
        assert fact.text[fact.value.start : fact.value.end] in rest


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_training_and_use_cut_a_prompt_into_the_same_tokens_at_the_same_places(rows: Rows, seed: int) -> None:
    made = case(random.Random(seed), "training", 6)
    row = rows.row(made)

    for number, asked in enumerate((made.asked, *made.more), 1):
        *before, last = made.messages
        asking = Message("user", last.content.removesuffix(made.asked.text) + asked.text)
        prompt = rows.text.prompt([*before, asking])
        seen = [
            (token, place)
            for token, place, question, answer in zip(row.tokens, row.places, row.questions, row.answers, strict=True)
            if question in (0, number) and not answer
        ]
        assert seen == [(token, place) for place, token in enumerate(prompt)]


def test_the_system_prompt_is_one_token_and_names_are_letters(text: LlamaText) -> None:
    assert len(text.tokens(LAYOUTS["bracketed"].system_prompt)) == 1, (
        "the system prompt changed: the reader must be trained again"
    )
    for said in (" Marela", "Kralo 7052"):
        assert b"|".join(map(text.piece, text.tokens(said))).decode() == "|".join(said)
    assert len(text.tokens("王芳现在")) == 3
    assert len(text.tokens("云海镇")) == 3


def test_every_word_that_is_said_is_one_token(text: LlamaText) -> None:
    said = "You should know that Marela now works as a glass painter."
    pieces = [text.piece(token) for token in text.tokens(said)]

    assert b"".join(pieces).decode() == said
    assert {b" now", b" works", b" as", b" know", b" that"} <= set(pieces)


def test_what_no_piece_covers_survives_as_bytes(text: LlamaText) -> None:
    for said in ("Ångström 🙂", "龘", "\u0000x"):
        assert b"".join(text.piece(token) for token in text.tokens(said)).decode() == said


def test_the_wider_wordings_are_none_of_the_workloads_and_kept_apart_in_the_same_way() -> None:
    for language, words in WIDER.items():
        kept: dict[str, set[str]] = {"training": set(), "held-out": set()}
        for attribute in words.attributes:
            for act in ACTS:
                seen, unseen = (
                    set(phrasings(language, split, act, attribute, WIDER)) for split in ("training", "held-out")
                )
                plain = {core for core, _ in phrasings(language, "training", act, attribute)}
                assert not seen & unseen
                assert not plain & {core for core, _ in seen}
                assert {core for core, _ in seen} == {core for core, _ in unseen}
                kept["training"] |= {frame for _, frame in seen}
                kept["held-out"] |= {frame for _, frame in unseen}
        assert kept["training"] == kept["held-out"] == {*words.telling, *words.asking}
        assert set(WORDS[language].telling) < set(words.telling)


def test_a_change_is_told_before_its_value_and_after_it(rows: Rows) -> None:
    changes = [core for words in WIDER.values() for one in words.attributes.values() for core in one.change]

    for said in ("now {S} [lives|live] in {V}", "{P} home is in {V} now", "{S}已经搬到{V}了", "现在{S}住在{V}"):
        assert said in changes
    assert all(core.index("{S}" if "{S}" in core else "{P}") < core.rindex("{V}") for core in changes)


def test_a_vocabulary_has_no_piece_twice() -> None:
    found = vocabulary()

    assert len(set(found.pieces)) == len(found.pieces) == len(found.types) == len(found.scores)
