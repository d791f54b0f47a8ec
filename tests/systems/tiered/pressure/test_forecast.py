"""A forecast follows a level and a trend."""

import pytest

from systems.tiered.pressure.forecast import Forecast


def test_a_steady_growth_is_foreseen_whatever_the_distance_of_the_samples():
    forecast = Forecast(horizon_s=5.0)
    at_s = 0.0
    for number in range(400):
        at_s += (0.05, 0.1, 0.4)[number % 3]
        forecast.add(at_s, 100 + 20 * at_s)
    assert forecast.trend == pytest.approx(20, rel=0.01)
    assert forecast.expected() == pytest.approx(100 + 20 * (at_s + 5), rel=0.01)
    assert forecast.expected(3) == pytest.approx(100 + 20 * (at_s + 3), rel=0.01)


def test_what_is_level_or_falls_is_never_expected_to_be_more():
    forecast = Forecast()
    for at_s in range(20):
        forecast.add(at_s, 100 - at_s)
    assert forecast.expected() < 100 - 19
    assert forecast.expected(1) == pytest.approx(100 - 20, abs=1)


def test_a_sample_that_is_not_later_is_left_out():
    forecast = Forecast()
    for at_s, value in ((1.0, 10.0), (1.0, 1e9), (0.5, 1e9)):
        forecast.add(at_s, value)
    assert forecast.expected() == 10.0
