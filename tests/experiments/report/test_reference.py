import random

import msgspec
import pytest

from experiments import load_run
from experiments.errors import RunFolderError
from experiments.measuring import records
from experiments.measuring.records import GroupSample
from experiments.measuring.runs import RunFolder
from experiments.report.build import build
from experiments.report.reference import MOMENTS, publish, thin
from tests.experiments.analysis import synthetic


def test_the_analysis_of_a_thinned_run_is_that_of_the_whole(tmp_path):
    made = [thicker(one) for one in synthetic.lazy_loading(2, random.Random(1))]
    whole, out = synthetic.write(tmp_path / "run", made, blocks=2), tmp_path / "reference"
    build(whole)
    page = publish(whole, out)
    for name in ("report.html", "claims.html", "tables/lazy-loading-measures.csv", "tables/lazy-loading-ratios.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    before, after = load_run(whole), load_run(out)
    for name in (
        "trials",
        "measures",
        "requests",
        "series",
        "allocators",
        "pairs",
        "comparisons",
        "floors",
        "verdicts",
    ):
        assert getattr(after, name).equals(getattr(before, name)), name
    # Thinned once more, nothing changes.
    kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert publish(out, out) == page
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == kept


def thicker(record):
    """Return the record with a longer timeline."""
    timeline = [
        GroupSample(at_s=at / 4, current_bytes=at % 97, anonymous_bytes=at, file_bytes=0) for at in range(3_000)
    ]
    return msgspec.structs.replace(record, outside=msgspec.structs.replace(record.outside, timeline=timeline))


def test_a_thinned_timeline_keeps_its_ends_and_its_highest_moments():
    trial = synthetic.record(synthetic.spec("load", "baseline"))
    for count in (0, 1, MOMENTS, MOMENTS + 1, 2_999):
        random.seed(count)
        made = [GroupSample(at_s=at / 4, current_bytes=random.randrange(10**9), anonymous_bytes=1, file_bytes=1)
                for at in range(count)]  # fmt: skip
        whole = msgspec.structs.replace(trial, outside=msgspec.structs.replace(trial.outside, timeline=made))
        kept = thin(whole).outside.timeline
        assert len(kept) == min(count, MOMENTS)
        assert kept[:1] + kept[-1:] == made[:1] + made[-1:]
        assert max(kept, key=lambda one: one.current_bytes, default=None) == max(
            made, key=lambda one: one.current_bytes, default=None
        )
        assert [one.at_s for one in kept] == sorted({one.at_s for one in kept})


def test_a_published_run_takes_no_more_records_and_equal_runs_give_equal_bytes(tmp_path):
    run = synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1))))
    out, archive = tmp_path / "out", "trials.jsonl.xz"
    publish(run, out)
    assert not (out / "trials.jsonl").exists()
    with RunFolder(out) as folder, pytest.raises(RunFolderError, match="finished run"):
        folder.write_info(load_run(out).info)
    records.write_compressed(tmp_path / "trials.jsonl", map(thin, records.read(run / "trials.jsonl")))
    assert (out / archive).read_bytes() == (tmp_path / archive).read_bytes()


def test_a_damaged_archive_is_one_sentence(tmp_path):
    run = synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1))))
    archive = tmp_path / "trials.jsonl"
    records.write_compressed(archive, records.read(run / "trials.jsonl"))
    path = tmp_path / "trials.jsonl.xz"
    for damaged in (path.read_bytes()[:-20], b"not compressed at all"):
        path.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="Cannot read"):
            records.read(archive)
