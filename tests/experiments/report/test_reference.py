import random

import pytest

from experiments import load_run, records
from experiments.errors import RunFolderError
from experiments.report.reference import publish
from experiments.runs import RunFolder
from tests.experiments.analysis import synthetic


def test_a_published_run_says_what_the_run_says_and_takes_no_more_records(tmp_path):
    run = synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(2, random.Random(1))))
    out = tmp_path / "reference"
    page = publish(run, out)
    assert page.exists()
    assert not (out / "trials.jsonl").exists()
    assert load_run(out).measures.equals(load_run(run).measures)
    with RunFolder(out) as folder, pytest.raises(RunFolderError, match="finished run"):
        folder.write_info(load_run(out).info)
    # Compressed again, the same bytes.
    records.compress(run / "trials.jsonl", tmp_path / "again")
    assert (tmp_path / "again.gz").read_bytes() == (out / "trials.jsonl.gz").read_bytes()


def test_a_damaged_archive_is_one_sentence(tmp_path):
    run = synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1))))
    archive = tmp_path / "trials.jsonl"
    records.compress(run / "trials.jsonl", archive)
    path = tmp_path / "trials.jsonl.gz"
    for damaged in (path.read_bytes()[:-20], b"not compressed at all"):
        path.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="Cannot read"):
            records.read(archive)
