from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.grading import ranking

rankings = st.lists(st.integers(0, 30), unique=True, max_size=20)
evidences = st.sets(st.integers(0, 30), min_size=1, max_size=5)


def test_the_measures_of_a_small_ranking_are_those_computed_by_hand() -> None:
    ranked, evidence = ["a", "x", "b", "y"], {"b", "x", "z"}

    assert ranking.recall(ranked, evidence, 3) == pytest.approx(2 / 3)
    assert ranking.recall_any(ranked, evidence, 1) is False
    assert ranking.recall_any(ranked, evidence, 2) is True
    assert ranking.recall_all(ranked, evidence, 4) is False
    assert ranking.reciprocal_rank(ranked, evidence) == 1 / 2
    best = 1 + 1 / math.log2(3) + 1 / 2
    assert ranking.ndcg(ranked, evidence, 3) == pytest.approx((1 / math.log2(3) + 1 / 2) / best)


@given(rankings, evidences, st.integers(1, 20))
def test_shares_lie_between_nothing_and_all(ranked: list[int], evidence: set[int], k: int) -> None:
    recall, ndcg = ranking.recall(ranked, evidence, k), ranking.ndcg(ranked, evidence, k)

    assert 0 <= recall <= 1
    assert 0 <= ndcg <= 1 + 1e-12
    assert (recall > 0) == ranking.recall_any(ranked, evidence, k) == (ndcg > 0)
    assert (recall == 1) == ranking.recall_all(ranked, evidence, k)


@given(rankings, evidences, st.integers(1, 19))
def test_looking_further_never_finds_less(ranked: list[int], evidence: set[int], k: int) -> None:
    assert ranking.recall(ranked, evidence, k) <= ranking.recall(ranked, evidence, k + 1)


@given(evidences, st.integers(1, 10))
def test_evidence_first_is_the_best_there_is(evidence: set[int], k: int) -> None:
    ranked = [*sorted(evidence), 99, 98]

    assert ranking.ndcg(ranked, evidence, k) == pytest.approx(1)
    assert ranking.reciprocal_rank(ranked, evidence) == 1
