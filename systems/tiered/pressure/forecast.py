"""Where memory is heading: double exponential smoothing (Holt, 1957), for samples that come at any distance."""

from __future__ import annotations

import math


class Forecast:
    """A level and a trend, each an average in which a sample's weight halves with every half-life.

    ``horizon_s`` is how far ahead `expected` looks. The level's half-life is short, because a reading of memory is
    exact and only its jumps are noise; the trend's is longer, because a turn allocates in bursts.
    """

    def __init__(
        self, horizon_s: float = 5.0, *, level_half_life_s: float = 0.25, trend_half_life_s: float = 2.0
    ) -> None:
        self.horizon_s = horizon_s
        self._level_half_life_s = level_half_life_s
        self._trend_half_life_s = trend_half_life_s
        self._at_s: float | None = None
        self._level = 0.0
        self.trend = 0.0
        """Units a second."""

    def add(self, at_s: float, value: float) -> None:
        """Take a sample of the moment ``at_s``; one that is not later than the last is left out."""
        if self._at_s is None:
            self._at_s, self._level = at_s, value
            return
        passed_s = at_s - self._at_s
        if passed_s <= 0:
            return
        before = self._level
        weight = _weight(passed_s, self._level_half_life_s)
        self._level = weight * value + (1 - weight) * (before + self.trend * passed_s)
        weight = _weight(passed_s, self._trend_half_life_s)
        self.trend += weight * ((self._level - before) / passed_s - self.trend)
        self._at_s = at_s

    def expected(self, ahead_s: float | None = None) -> float:
        """Return the value expected ``ahead_s`` seconds after the last sample, by default after the horizon."""
        return self._level + self.trend * (self.horizon_s if ahead_s is None else ahead_s)


def _weight(passed_s: float, half_life_s: float) -> float:
    return 1.0 - math.exp2(-passed_s / half_life_s)
