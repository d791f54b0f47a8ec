"""The pairs are a seed's, their splits share nothing, and a stream has the shares that it states."""

import pytest

from experiments.workloads.paired.pairs import KINDS, LANGUAGES, families, pairs
from experiments.workloads.paired.streams import stream


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_there_and_a_seed_gives_the_same(language):
    found = pairs(3, "held-out", language)
    assert found == pairs(3, "held-out", language)
    assert found != pairs(4, "held-out", language)
    assert {pair.kind for pair in found} == set(KINDS)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_splits_share_neither_frames_nor_values_nor_pairs(language):
    settling, held_out = families("settling", language), families("held-out", language)
    for part in ("ways", "contrary"):
        ours, theirs = ({way for one in split for way in getattr(one, part)} for split in (settling, held_out))
        assert ours.isdisjoint(theirs)
    ours, theirs = (
        {value for one in split for values in one.values.values() for value in values} for split in (settling, held_out)
    )
    assert ours.isdisjoint(theirs)
    asked = [
        {(pair.first, pair.then, pair.before_first) for pair in pairs(1, split, language)}
        for split in ("settling", "held-out")
    ]
    assert asked[0].isdisjoint(asked[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_a_history_pair_asks_in_the_same_words(language):
    for pair in pairs(2, "settling", language):
        assert (pair.first == pair.then) == (pair.kind == "history")
        assert pair.same == (pair.kind == "paraphrase")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stream_has_its_shares(language):
    asked = list(stream(5, language, 400, repeats=0.3, paraphrases=0.2))
    texts, meanings, repeated, put_otherwise = set(), set(), 0, 0
    for one in asked:
        if (one.person, one.text) in texts:
            repeated += 1
        elif (one.person, one.meaning) in meanings:
            put_otherwise += 1
        texts.add((one.person, one.text))
        meanings.add((one.person, one.meaning))
    assert 0.22 < repeated / 400 < 0.38
    assert 0.12 < put_otherwise / 400 < 0.28
