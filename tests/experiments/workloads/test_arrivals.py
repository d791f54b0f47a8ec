"""Arrivals and pauses: what their names promise, on any seed."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.workloads import arrivals
from experiments.workloads.conversations import conversations, repeated

SEEDS = st.integers(0, 2**48 - 1)


@given(SEEDS, st.floats(0.01, 1000), st.integers(0, 200))
def test_arrivals_come_in_order_after_the_start_and_again_the_same(seed, rate, requests):
    instants = arrivals.poisson(seed, rate, requests)
    assert len(instants) == requests
    assert instants == sorted(instants)
    assert all(instant > 0 for instant in instants)
    assert instants == arrivals.poisson(seed, rate, requests)


@given(SEEDS, st.floats(0.1, 100))
def test_poisson_arrivals_keep_their_rate_and_their_spread(seed, rate):
    requests = 4000
    instants = arrivals.poisson(seed, rate, requests)
    gaps = [later - earlier for earlier, later in zip([0.0, *instants], instants, strict=False)]
    # Seven standard errors: no seed is that unlucky.
    assert mean(gaps) * rate == pytest.approx(1, abs=7 / requests**0.5)
    # Exponential gaps: their mean square is twice the square of their mean.
    assert mean(gap * gap for gap in gaps) * rate**2 == pytest.approx(2, abs=7 * (20 / requests) ** 0.5)


@given(SEEDS, st.floats(0.1, 100), st.integers(1, 20), st.integers(0, 200))
def test_a_burst_arrives_at_one_instant(seed, rate, size, requests):
    instants = arrivals.bursts(seed, rate, size, requests)
    assert len(instants) == requests
    assert instants == sorted(instants)
    assert all(len(set(instants[start : start + size])) == 1 for start in range(0, requests, size))
    assert len(set(instants)) == -(-requests // size)


@given(SEEDS, st.integers(1, 10))
def test_bursts_keep_the_mean_rate(seed, size):
    bursts = 4000
    assert arrivals.bursts(seed, 5.0, size, bursts * size)[-1] * 5.0 == pytest.approx(
        bursts * size, rel=7 / bursts**0.5
    )


@given(SEEDS, st.floats(0.01, 100))
def test_pauses_have_their_mean_and_differ_between_users(seed, mean_s):
    thought = arrivals.pauses(seed, mean_s, 40, 100)
    assert [len(pauses) for pauses in thought] == [100] * 40
    assert mean(pause for pauses in thought for pause in pauses) == pytest.approx(mean_s, rel=7 / 4000**0.5)
    assert thought[0] != thought[1]


@given(SEEDS, st.integers(1, 4), st.integers(1, 5))
def test_repeated_questions_stay_in_their_own_session(seed, users, questions):
    scripts = repeated(conversations(seed, users, questions), seed, 12, 1.0)
    asked = [[turn.text for turn in script] for script in scripts]
    pools = [set(texts) for texts in asked]
    assert all(len(texts) == 12 and len(pool) <= questions for texts, pool in zip(asked, pools, strict=True))
    assert len(set().union(*pools)) == sum(map(len, pools))
