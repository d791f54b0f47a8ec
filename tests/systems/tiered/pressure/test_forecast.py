"""A forecast follows a level and a trend."""

import math

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
    assert forecast.seconds_until(100 + 20 * (at_s + 3)) == pytest.approx(3, rel=0.05)


def test_what_is_level_or_falls_never_reaches_more():
    forecast = Forecast()
    for at_s in range(20):
        forecast.add(at_s, 100 - at_s)
    assert forecast.seconds_until(200) == math.inf
    assert forecast.seconds_until(50) == 0.0


def test_a_sample_that_is_not_later_is_left_out():
    forecast = Forecast()
    for at_s, value in ((1.0, 10.0), (1.0, 1e9), (0.5, 1e9)):
        forecast.add(at_s, value)
    assert forecast.expected() == 10.0
