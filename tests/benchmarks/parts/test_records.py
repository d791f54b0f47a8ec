"""Records: one of two hundred requests is appended and flushed to the disk, and a hundred such are read."""

from __future__ import annotations

import pytest

from experiments.measuring import records
from experiments.measuring.records import GroupSample, Outside, Part
from tests.experiments.analysis import synthetic


@pytest.fixture
def record():
    """Return a record as the load study leaves them."""
    rows = [synthetic.row(number + 1.5, intended_s=float(number), user=number % 50) for number in range(200)]
    sizes = {"current_bytes": 300 << 20, "anonymous_bytes": 200 << 20, "file_bytes": 90 << 20}
    samples = [GroupSample(at_s=0.1 * number, **sizes) for number in range(200)]
    return synthetic.record(
        synthetic.spec("load", "baseline"),
        Part(role="client", requests=rows, loop_delay_s=[0.001] * 500),
        outside=Outside(duration_s=20.0, timeline=samples),
    )


def test_a_record_is_written(benchmark, record, tmp_path):
    benchmark(records.append, tmp_path / "trials.jsonl", record)


def test_a_hundred_records_are_read(benchmark, record, tmp_path):
    path = tmp_path / "trials.jsonl"
    for _ in range(100):
        records.append(path, record)
    assert len(benchmark(records.read, path)) == 100
