from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.measuring.probes.histogram import Histogram

SECONDS = st.lists(st.floats(1e-5, 3000), min_size=1, max_size=30)


def held(values):
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@settings(deadline=None, max_examples=10)
@given(SECONDS, SECONDS, st.sampled_from([50, 95, 99, 100]))
def test_merged_texts_tell_what_one_histogram_of_everything_tells(ours, theirs, percent):
    merged = Histogram([held(ours).text(), held(theirs).text()])
    whole = held(ours + theirs)
    assert len(merged) == len(ours) + len(theirs)
    assert merged.percentile(percent) == whole.percentile(percent)
    assert abs(merged.percentile(100) / max(ours + theirs) - 1) < 0.051  # microseconds, three digits


def test_what_is_beyond_the_range_counts_as_its_end():
    assert held([-1, 0]).percentile(100) == 1e-6
    assert 3599 < held([1e9]).percentile(100) < 3604
    assert Histogram().percentile(50) == 0
