from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.clusters import interval
from experiments.analysis.intervals import Estimate


def test_answers_of_a_conversation_count_as_one_where_they_are_alike() -> None:
    values = [0.0] * 50 + [1.0] * 50 + [0.0] * 50 + [1.0] * 50
    clusters = [place // 50 for place in range(200)]
    low, high = interval(values, clusters)
    alone_low, alone_high = interval(values, range(200))

    ends = Estimate([0.0, 1.0, 0.0, 1.0]).interval()
    assert (low, high) == (max(0, float(ends[0])), min(1, float(ends[1])))
    assert alone_high - alone_low < 0.2 < high - low


def test_of_one_conversation_the_questions_count() -> None:
    values = [0.0, 1.0, 0.5, 1.0, 0.0, 1.0]

    assert interval(values, ["one"] * 6) == interval(values, range(6))


def test_a_conversation_weighs_as_many_questions_as_it_has() -> None:
    low, high = interval([1.0] * 90 + [0.0, 1.0] * 5, [*["a"] * 45, *["b"] * 45, *["c"] * 10])

    assert low < 0.95 < high  # the mean of all, not that of three conversations


@pytest.mark.parametrize("values", [[1.0], [1.0] * 8])
def test_where_nothing_varies_nothing_is_said(values: list[float]) -> None:
    assert interval(values, range(len(values))) is None


def test_ends_are_shares() -> None:
    low, high = interval([1.0, 1.0, 0.9, 1.0], range(4))

    assert 0 <= low < high <= 1


@pytest.mark.parametrize("conversations", [6, 10, 30])
def test_intervals_hold_the_truth_about_as_often_as_they_say(conversations: int) -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        luck = rng.beta(6, 4, conversations)  # on average 0.6
        counts = rng.integers(20, 60, conversations)
        values = [float(rng.random() < share) for share, count in zip(luck, counts, strict=True) for _ in range(count)]
        found = interval(values, np.repeat(np.arange(conversations), counts).tolist())
        assert found is not None
        held += found[0] <= 0.6 <= found[1]

    assert 0.90 <= held / 300 <= 0.99


def test_many_values_need_no_resamples() -> None:
    low, high = interval([0.0, 1.0] * 5_000, range(10_000))

    assert (low, high) == pytest.approx((0.4902, 0.5098), abs=1e-4)
