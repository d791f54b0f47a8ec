from collections import Counter

from experiments.workloads import traces


def test_on_the_published_trace_even_an_unlimited_cache_stays_below_the_published_hit_rate():
    shares = [1 - len(set(traces.published(seed))) / traces.PUBLISHED_ACCESSES for seed in range(50)]
    assert min(shares) > 0.70
    assert max(shares) < 0.78


def test_a_zipf_trace_prefers_low_ranks():
    trace = traces.zipf(1, 10_000, 100, 1.0)
    counts = [trace.count(key) for key in (0, 9, 99)]
    assert counts[0] > 5 * counts[1] > 25 * counts[2]


def test_a_scan_asks_for_each_archive_key_once():
    counts = Counter(traces.scan(1, 3_000, 60, 300))
    assert all(count == 1 for key, count in counts.items() if key >= 60)
    assert sum(count for key, count in counts.items() if key < 60) == 1_500
