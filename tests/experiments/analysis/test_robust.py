"""The interval of the median, the cautious interval that spans it and the mean's, and what stands apart."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.intervals import Estimate
from experiments.analysis.robust import apart


@pytest.mark.parametrize(("count", "rank", "next_"), [(6, 1, 2), (9, 2, 3), (12, 3, 4), (30, 10, 11)])
def test_each_end_lies_between_the_two_numbers_that_hold_the_median_more_and_less_often(count, rank, next_):
    # Ranks as printed in tables of the sign test.
    low, high = Estimate(list(range(1, count + 1))).robust()
    assert rank < low < next_ and low == pytest.approx(count + 1 - high)


def test_at_the_very_level_of_two_numbers_these_are_the_ends():
    numbers = [0.3, 0.1, 0.2, 9.0, 0.25, 0.15]
    assert [float(end) for end in Estimate(numbers).robust(1 - 2 / 2**6)] == pytest.approx([0.1, 9.0])


def test_of_twelve_numbers_those_that_stand_apart_do_not_move_the_ends():
    numbers = list(range(10))
    assert Estimate([*numbers, 1e6, 1e9]).robust() == Estimate([*numbers, 10, 11]).robust()


def test_five_numbers_bound_no_median():
    assert [float(end) for end in Estimate([1.0, 2.0, 3.0, 4.0, 5.0]).robust()] == [-np.inf, np.inf]


@pytest.mark.parametrize("count", [6, 12, 30])
def test_the_cautious_interval_spans_both_and_each_sample_is_judged_by_itself(count):
    numbers = np.random.default_rng(1).exponential(size=(50, count))
    found = Estimate(numbers)
    low, high = found.cautious()
    ends = (found.interval(), found.robust())
    assert (low == np.minimum(ends[0][0], ends[1][0])).all() and (high == np.maximum(ends[0][1], ends[1][1])).all()
    alone = Estimate(numbers[7]).cautious()
    assert [float(end) for end in alone] == pytest.approx([low[7], high[7]])


def test_the_one_that_stands_apart_is_named_by_its_place():
    assert apart([0.0, 0.01, 0.6, 0.0, 0.02, 0.01]) == 2
    assert apart([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]) is None


def test_equal_numbers_and_two_numbers_have_none_that_stands_apart():
    assert apart([1.0] * 6) is None
    assert apart([1.0, 5.0]) is None


def test_numbers_that_agree_leave_no_doubt():
    assert [float(end) for end in Estimate([0.3] * 6).cautious()] == pytest.approx([0.3, 0.3])
