"""Citations of passages that were given stay; others are taken out, however the answer comes in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.research.citing import Citing, checked

PASSAGES = ["The stone bridge of Velm is 84 metres long.", "The stone bridge of Orrin is 96 metres long."]
QUESTION = "How long is the stone bridge of Velm?"


def passed(pieces, passages=2):
    citing = Citing(passages)
    return "".join([*map(citing.feed, pieces), citing.end()]), citing


@pytest.mark.parametrize(
    ("said", "left", "cited", "dropped"),
    [
        ("It is 84 metres long [1].", "It is 84 metres long [1].", [1], []),
        ("It is 84 metres long [7].", "It is 84 metres long.", [], [7]),
        ("Both [1, 9] say so [2][0].", "Both [1] say so [2].", [1, 2], [9, 0]),
        ("A list[x] and [a] and [", "A list[x] and [a] and [", [], []),
        ("Once [1] and again [1]", "Once [1] and again [1]", [1], []),
        ("It is 84 metres long [9[9]].", "It is 84 metres long.", [], [9, 9]),
        ("It is 84 metres [[7]1] long [1[7]2].", "It is 84 metres [1] long.", [1], [7, 7, 12]),
        ("It is 84 metres long [1-2] [2–9].", "It is 84 metres long [1-2] [2].", [1, 2], [9]),
        (f"It is 84 metres long [{'9' * 5_000}].", "It is 84 metres long.", [], [999_999_999]),
    ],
)
def test_what_was_not_given_cannot_be_cited(said, left, cited, dropped):
    text, citing = passed([said])
    assert (text, citing.cited, citing.dropped) == (left, cited, dropped)


@given(st.text(alphabet="ab .[]0123,-\n", max_size=60), st.lists(st.integers(1, 5), min_size=1))
def test_in_pieces_it_is_the_same_as_whole(text, sizes):
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1
    streamed, one = passed(pieces)
    whole, other = passed([text])
    # Of brackets within brackets the inner ones are looked at first, as soon as they are there.
    assert (streamed, sorted(one.cited), sorted(one.dropped)) == (whole, sorted(other.cited), sorted(other.dropped))


def test_a_sentence_that_cites_nothing_rests_on_the_passage_with_its_words():
    answer, citing = passed(["The bridge of Velm is 84 metres long."])
    found = checked(answer, QUESTION, PASSAGES, citing)
    assert (found.by_model, found.by_words, found.unsupported) == ((), (1,), 0)


def test_a_value_that_no_passage_has_is_told_as_unsupported():
    answer, citing = passed(["The bridge of Velm is 85 metres long."])
    found = checked(answer, QUESTION, PASSAGES, citing)
    assert (found.numbers, found.unsupported) == ((), 1)


def test_a_bare_value_rests_on_the_passage_that_has_it():
    answer, citing = passed(["96 metres."])
    assert checked(answer, QUESTION, PASSAGES, citing).numbers == (2,)


def test_what_the_model_cites_comes_first():
    answer, citing = passed(["It is longer than that of Orrin, 96 metres long [2]. The bridge of Velm is 84 metres."])
    found = checked(answer, QUESTION, PASSAGES, citing)
    assert (found.by_model, found.by_words, found.numbers) == ((2,), (1,), (2, 1))


def test_a_citation_behind_the_full_stop_belongs_to_its_sentence():
    answer, citing = passed(["The bridge of Velm is 84 metres long. [1]"])
    found = checked(answer, QUESTION, PASSAGES, citing)
    assert (found.by_model, found.by_words, found.unsupported) == ((1,), (), 0)


def test_an_empty_answer_rests_on_nothing():
    answer, citing = passed([""])
    assert checked(answer, QUESTION, PASSAGES, citing).numbers == ()
