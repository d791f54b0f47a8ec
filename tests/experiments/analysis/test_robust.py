"""The interval of the median, and the cautious interval that spans it and the mean's."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis import robust
from experiments.analysis.intervals import Estimate


@pytest.mark.parametrize(("count", "end"), [(5, 0), (6, 1), (8, 1), (9, 2), (12, 3), (30, 10)])
def test_the_ends_are_the_numbers_that_the_sign_test_tables_name(count, end):
    assert robust.rank(count) == end


def test_of_six_numbers_the_smallest_and_the_largest_are_the_ends():
    numbers = [0.3, 0.1, 0.2, 9.0, 0.25, 0.15]
    assert [float(end) for end in Estimate(numbers).robust()] == [0.1, 9.0]


def test_of_twelve_numbers_those_that_stand_apart_do_not_move_the_ends():
    numbers = list(range(10))
    low, high = Estimate([*numbers, 10, 11]).robust()
    assert Estimate([*numbers, 1e6, 1e9]).robust() == (low, high) == (2, 9)


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
