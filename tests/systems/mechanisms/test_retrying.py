"""How long one waits before one tries again."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from systems.mechanisms.retrying import Backoff


@given(first=st.floats(0.001, 10), more=st.floats(1, 1000), failures=st.integers(1, 10**6), seed=st.integers(0, 2**32))
def test_waits_grow_to_a_bound_with_a_jitter_that_the_seed_decides(first, more, failures, seed):
    last = first * more
    wait = Backoff(first, last, Random(seed)).wait_s(failures)
    whole = min(last, first * 2.0 ** min(failures - 1, 64))
    assert whole / 2 <= wait <= whole <= last
    assert wait == Backoff(first, last, Random(seed)).wait_s(failures)
