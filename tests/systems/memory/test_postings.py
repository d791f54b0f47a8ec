"""Of every word the texts that have it are found, however the texts came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from systems.memory.postings import Occurrences, Postings

WORDS = st.sampled_from([b"bees", b"lisbon", b"oslo", b"vera", b"winter", "王芳".encode(), "Zürich".encode()])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(b" ".join)


@given(st.lists(TEXTS, max_size=20), st.lists(TEXTS, max_size=40), st.lists(WORDS, min_size=1, unique=True))
def test_each_word_is_found_in_the_texts_that_have_it(first, added, asked):
    postings = Postings(first)
    for text in added:
        postings.add(text)
    found = Occurrences(postings, asked)
    has = {(place, word) for place, text in enumerate(first + added) for word in asked if word in text.split(b" ")}
    assert found.counts().tolist() == [sum(word == one for _, one in has) for word in asked]
    rows, texts = found.having(np.arange(len(asked))).nonzero()
    assert {(text, asked[row]) for text, row in zip(texts, rows, strict=True)} == has


def test_of_no_texts_no_word_is_found():
    found = Occurrences(Postings([]), [b"bees"])
    assert found.counts().tolist() == [0]
