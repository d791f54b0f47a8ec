"""Passages that have the words of a question, the rarer the better."""

import tracemalloc

from systems.research.ranking import PassageIndex, Scored, reranked

TITLES = ["The town of Velm", "The town of Orrin", "A machine"]
TEXTS = [
    "The stone bridge is 84 metres long. Fog is common.",
    "The stone bridge of Orrin is 96 metres long. Fog is common.",
    "It has a motor. Fog is common.",
]


def places(asked, most=5):
    return [scored.place for scored in PassageIndex(TITLES, TEXTS).best(asked, most)]


def test_the_title_says_what_a_passage_is_about():
    assert places("How long is the bridge of Velm?")[0] == 0
    assert places("How long is the bridge of Orrin?")[0] == 1


def test_what_has_no_word_of_the_question_is_not_found():
    assert places("How long is the bridge of Velm?") == [0, 1]
    assert places("Does a giraffe swim?") == []
    assert places("") == []
    assert PassageIndex([], []).best("bridge", 3) == []


def test_no_more_are_found_than_asked_for():
    assert len(places("fog", most=2)) == 2


def test_both_rankings_count_where_passages_are_judged_anew():
    found = [Scored(7, 3.0), Scored(8, 2.0), Scored(9, 1.0)]
    assert [each.place for each in reranked(found, [0.1, 0.9, 0.2], 2)] == [8, 7]
    assert reranked(found, [0.5, 0.4, 0.3], 1) == [Scored(7, 0.5)]


def test_an_index_takes_little_more_than_the_text_it_is_of():
    texts = [" ".join(f"word{(place * 7 + at * at) % 500}" for at in range(40)) for place in range(1_000)]
    PassageIndex([""] * len(texts), texts)  # what is loaded on first use, and what is remembered of words
    tracemalloc.start()
    try:
        index = PassageIndex([""] * len(texts), texts)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert index.best("word7", 1)
    assert held < 4 * sum(map(len, texts))
