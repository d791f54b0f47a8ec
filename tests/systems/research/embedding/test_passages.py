"""Passages: nothing is lost, none is too long, and none is cut where a reader sees one character."""

import re
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from systems.errors import BadInput
from systems.research.embedding.passages import passages

ACCENTED = "e\u0301"
FAMILY = "👩\u200d👩\u200d👧"
THUMB = "👍🏽"
FLAGS = "🇩🇪🇫🇷"

TEXTS = st.text(
    st.one_of(st.sampled_from("ab. \n\n!。，字ö"), st.sampled_from([ACCENTED[1], FAMILY[1], "👍", "🏽", "🇩"])),
    max_size=120,
)


def paragraphs(*lengths):
    """Return paragraphs of sentences of 20 characters each, so many in each."""
    sentence = "Nineteen are right."
    return "\n\n".join(" ".join([sentence] * length) for length in lengths)


@given(TEXTS, st.integers(1, 40), st.floats(0, 0.5))
@example("a \u0301b" * 20, 5, 0.5)
def test_whatever_a_text_is_its_passages_have_all_of_it_within_the_bounds(text, most, share):
    overlap = int(most * share)
    found = passages(text, most=most, overlap=overlap)
    seen = 0
    for before, passage in zip([None, *found], found, strict=False):
        assert 0 < len(passage.text) <= most
        assert passage.text == text[passage.start : passage.end]
        assert not text[seen : passage.start].strip()
        assert passage.end > seen
        if before is not None:
            assert before.start < passage.start
            assert before.end - passage.start <= overlap
        seen = passage.end
    assert not text[seen:].strip()


@given(TEXTS, st.integers(10, 40))
def test_no_passage_begins_or_ends_within_a_character(text, most):
    assume(not re.search("(?:[\u0301\u200d🏽🇩].?){3}", text))  # that may be one character of more than half a passage
    for passage in passages(text, most=most, overlap=most // 3):
        if passage.start and not text[passage.start - 1].isspace():
            assert text[passage.start] not in "\u0301\u200d🏽"
            assert text[passage.start - 1] != "\u200d"
        if passage.end < len(text) and not text[passage.end].isspace():
            assert text[passage.end] not in "\u0301\u200d🏽"
            assert text[passage.end - 1] != "\u200d"


@pytest.mark.parametrize("character", [ACCENTED, FAMILY, THUMB, "🇩🇪", "각"])
def test_a_character_of_several_parts_stays_whole(character):
    parts = unicodedata.normalize("NFD", character)
    for most in range(2 * len(parts), 4 * len(parts)):
        for passage in passages(parts * 40, most=most, overlap=most // 2):
            assert passage.text.replace(parts, "") == ""


def test_a_passage_ends_with_a_paragraph_before_a_sentence_and_a_sentence_before_a_word():
    text = paragraphs(6, 6)
    assert [passage.text for passage in passages(text, most=200, overlap=50)] == text.split("\n\n")
    [first, *_] = passages(paragraphs(12), most=110, overlap=0)
    assert first.text == " ".join(["Nineteen are right."] * 5)
    [first, *_] = passages("word " * 40, most=52, overlap=0)
    assert first.text == ("word " * 10).strip()


def test_the_next_passage_begins_with_whole_sentences_of_the_last_one_but_not_across_paragraphs():
    first, second, *_ = passages(paragraphs(12), most=110, overlap=45)
    assert first.end - second.start == len("Nineteen are right. Nineteen are right.")
    first, second = passages(paragraphs(6, 6), most=200, overlap=50)
    assert second.start == first.end + 2


def test_sentences_of_chinese_need_no_space_after_them():
    text = "这是第一句话。" * 10
    assert all(passage.text.endswith("。") for passage in passages(text, most=20, overlap=0))


def test_a_short_text_is_one_passage_and_a_white_one_none():
    assert [passage.text for passage in passages("  Short.\n")] == ["Short."]
    assert passages(" \n\t\n ") == []


@pytest.mark.parametrize("text", ["." * 300_000, "\n" * 300_000, "🇩" * 50_000, "a\u0301" * 50_000, "a. " * 100_000])
def test_a_page_of_one_thing_takes_no_longer_than_another(text):
    assert all(len(passage.text) <= 800 for passage in passages(text))


@pytest.mark.parametrize(("most", "overlap"), [(0, 0), (10, 6), (10, -1)])
def test_bounds_that_leave_no_way_on_are_refused(most, overlap):
    with pytest.raises(BadInput, match="at least one character"):
        passages("text", most=most, overlap=overlap)
