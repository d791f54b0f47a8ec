"""Statistics on simulated runs whose truth is known: coverage, false positives, power. Thousands of runs at once.

A share is taken to be as stated when it lies within four standard errors of the simulation itself.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.analysis import power
from experiments.analysis.comparisons import compare
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.intervals import RESAMPLES, Estimate
from experiments.analysis.multiplicity import FALSE_SHARE
from experiments.analysis.pairing import ENOUGH_BLOCKS
from tests.experiments.analysis import synthetic

RUNS = 20_000
BOOTSTRAPPED_RUNS = 1_000


def margin(share: float, runs: int, resamples: float = math.inf) -> float:
    """Return four standard errors of a share seen in ``runs``; fixed resamples add their own."""
    return 4 * math.sqrt(share * (1 - share) * (1 / runs + 1 / resamples))


def logs(blocks: int, runs: int, truth: float = 0.0, spread: float = 0.1, seed: int = 1) -> np.ndarray:
    return np.random.default_rng([seed, blocks]).normal(truth, spread, size=(runs, blocks))


def covered(found: Estimate, truth: float = 0.0) -> float:
    low, high = found.interval()
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("blocks", [6, 7, 8, 12, 19])
def test_few_blocks_cover_the_truth_as_often_as_stated(blocks):
    assert covered(Estimate(logs(blocks, RUNS, 0.3)), 0.3) == pytest.approx(0.95, abs=margin(0.95, RUNS))


@pytest.mark.parametrize("blocks", [20, pytest.param(40, marks=pytest.mark.long)])
def test_many_blocks_are_resampled_and_cover_the_truth_as_often_as_stated(blocks):
    found = covered(Estimate(logs(blocks, BOOTSTRAPPED_RUNS)))
    # The bootstrap-t is not exact: it may miss by the order of 1/n² besides.
    assert found == pytest.approx(0.95, abs=margin(0.95, BOOTSTRAPPED_RUNS, RESAMPLES) + 1 / blocks**2)


def test_from_twenty_blocks_on_a_skewed_truth_is_covered_better_than_by_students_t():
    values = np.random.default_rng(2).lognormal(0, 1, size=(BOOTSTRAPPED_RUNS, 20))
    truth = math.exp(0.5)
    resampled = Estimate(values)
    low, high = (resampled.mean + side * 2.093 * resampled.error for side in (-1, 1))  # t with 19 degrees, printed
    assert covered(resampled, truth) > float(((low <= truth) & (truth <= high)).mean()) + 0.02


@pytest.mark.parametrize("blocks", [6, 20])
def test_an_interval_lies_inside_a_region_just_where_its_p_value_is_small(blocks):
    found = Estimate(logs(blocks, 300, 0.02))
    low, high = found.interval()
    for region in ((-0.1, 0.1), (-math.inf, 0.05), (0.0, math.inf)):
        inside = (region[0] <= low) & (high <= region[1])
        # The ends are among finitely many resamples: a p-value within two of them of 5 % may fall on either side.
        clear = np.abs(found.inside(*region) - 0.05) > 4 / RESAMPLES
        assert ((found.inside(*region) <= 0.05) == inside)[clear].all()


def equals(runs: int, blocks: int = ENOUGH_BLOCKS, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return A/A runs: the noise floor of each from its arm, and a comparison of two more equals."""
    low, high = Estimate(logs(blocks, runs, seed=seed)).interval()
    return np.maximum(-low, high), logs(blocks, runs, seed=seed + 1)


def test_equals_seem_to_differ_as_often_as_stated():
    _, compared = equals(RUNS)
    low, high = Estimate(compared).interval()
    assert float(((low > 0) | (high < 0)).mean()) == pytest.approx(0.05, abs=margin(0.05, RUNS))


def test_the_floor_covers_the_true_ratio_of_equals_in_19_runs_of_20():
    # The farther end lies as far beyond the mean as the nearer one short of it: the interval covers 1 where that does.
    found = Estimate(logs(ENOUGH_BLOCKS, RUNS))
    low, high = found.interval()
    within = 2 * np.abs(found.mean) <= np.maximum(-low, high)
    assert float(within.mean()) == pytest.approx(0.95, abs=margin(0.95, RUNS))


def test_equals_beyond_the_noise_floor_are_much_rarer_than_that():
    floors, compared = equals(RUNS)
    low, high = Estimate(compared).interval()
    assert float(((low > floors) | (high < -floors)).mean()) < 0.01


@pytest.mark.parametrize(("blocks", "floor"), [(6, 0.0), (6, 0.05), (12, 0.05)])
def test_the_smallest_effect_is_seen_four_times_of_five(blocks, floor):
    spread = 0.1
    stated = Estimate(np.zeros(blocks))
    stated.error = np.asarray(spread / math.sqrt(blocks))
    effect = power.smallest_effect(stated, floor)
    low, _ = Estimate(logs(blocks, RUNS, effect, spread)).cautious()
    found = float((low > floor).mean())
    assert found == pytest.approx(power.POWER, abs=margin(power.POWER, RUNS, power.SIMULATED))


@pytest.mark.long
def test_a_study_of_equals_and_of_some_that_differ_gives_few_false_conclusions():
    differing, every, studies = 10, 100, 15
    false = true = 0
    for study in range(studies):
        truth = np.array([0.4] * differing + [0.0] * (every - differing))
        found = np.random.default_rng([5, study]).normal(truth[:, None], 0.1, size=(every, ENOUGH_BLOCKS))
        pairs = [synthetic.pair(np.exp(one).tolist()) for one in found]
        conclusions = [comparison.conclusion for comparison in compare(pairs)]
        true += sum(each is Conclusion.HURTS for each in conclusions[:differing])
        false += sum(each in (Conclusion.HELPS, Conclusion.HURTS) for each in conclusions[differing:])
    assert true > 0.8 * differing * studies
    assert false / (false + true) < FALSE_SHARE + margin(FALSE_SHARE, false + true)
    # One by one, about 90 × 5 % × 15 of the equals would seem to differ.
    assert false < 0.2 * 0.05 * (every - differing) * studies


def test_so_many_blocks_as_are_said_settle_about_half_of_what_is_open():
    # The truth is the mean seen: at the number of blocks named the expected interval just leaves the floor.
    seen, floor, spread = 0.1, 0.03, 0.1
    made = logs(ENOUGH_BLOCKS, 1)[0]
    made = seen + spread * (made - made.mean()) / made.std(ddof=1)
    blocks = power.blocks_to_settle(Estimate(made), floor)
    assert blocks is not None and blocks > ENOUGH_BLOCKS
    shorter, enough = (logs(count, RUNS, seen, spread) for count in (ENOUGH_BLOCKS, blocks))
    settled = [float((Estimate(one).cautious()[0] > floor).mean()) for one in (shorter, enough)]
    assert settled[0] < 0.3 < 0.4 < settled[1]
