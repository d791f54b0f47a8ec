import random

import msgspec
import pytest

from experiments import load_run
from experiments.errors import RunFolderError, UnfinishedRun
from experiments.measuring import records
from experiments.measuring.records import GroupSample, Skipped
from experiments.measuring.runs import RunFolder
from experiments.report.build import build
from experiments.report.reference import MOMENTS, publish, thin
from systems.errors import BadInput
from tests.experiments.analysis import synthetic


def lazy_loading(seed=1, blocks=2):
    return [thicker(one) for one in synthetic.lazy_loading(blocks, random.Random(seed))]


def few(*studies):
    """Return a record of each study, with nothing in it that a figure would take its time to show."""
    return [synthetic.record(synthetic.spec(study, "serial")) for study in studies]


def written(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
def test_the_analysis_of_a_thinned_run_is_that_of_the_whole(tmp_path):
    whole, out = (
        synthetic.write(tmp_path / "run", lazy_loading(), blocks=2, studies=("lazy-loading",)),
        tmp_path / "out",
    )
    build(whole)
    page = publish(whole, out)
    assert page == out / "report.html"
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


@pytest.mark.long
def test_each_study_of_a_run_becomes_a_part_of_its_own(tmp_path):
    skipped = tuple(Skipped(study=name, condition={}, subject="x", reason="none") for name in ("isolation", "memory"))
    studies = ("isolation", "lazy-loading")
    whole = synthetic.write(tmp_path / "run", few(*studies), studies=studies, skipped=skipped)
    out = tmp_path / "out"
    publish(whole, out)
    parts = {part.folder.name: part for part in load_run(out).parts}
    assert {name: (part.run, part.info.studies) for name, part in parts.items()} == {
        "isolation": ("synthetic-isolation", ("isolation",)),
        "lazy-loading": ("synthetic-lazy-loading", ("lazy-loading",)),
    }
    assert [each.study for each in parts["isolation"].info.skipped] == ["isolation"]
    assert parts["lazy-loading"].info.skipped == ()
    assert parts["isolation"].info.environment == load_run(whole).info.environment
    there = [record.key for part in parts.values() for record in part.records]
    assert sorted(there) == sorted(record.key for record in load_run(whole).records)
    assert not (out / "run.json").exists()


@pytest.mark.long
def test_a_study_that_is_measured_anew_replaces_its_part_alone(tmp_path):
    out = tmp_path / "out"
    studies = ("isolation", "lazy-loading")
    publish(synthetic.write(tmp_path / "old", few(*studies), studies=studies), out)
    kept = written(out / "isolation")
    again = {"run_id": "again", "studies": ("lazy-loading",), "created": "2001-01-01T00:00:00Z", "code_version": "test"}
    page = publish(synthetic.write(tmp_path / "new", few("lazy-loading"), **again), out)
    assert written(out / "isolation") == kept
    assert [part.run for part in load_run(out).parts] == ["synthetic-isolation", "again"]
    text = page.read_text()
    assert "Run again of 2001-01-01" in text and "Run synthetic-isolation of 2000-01-01" in text
    # Measured anew beside the old: both are shown, each by itself.
    publish(synthetic.write(tmp_path / "third", few("lazy-loading"), **again | {"run_id": "third"}), out, "other")
    assert [part.folder.name for part in load_run(out).parts] == ["isolation", "lazy-loading", "lazy-loading-other"]
    text = page.read_text()
    assert text.count('<h2 id="lazy-loading') == 2
    assert "lazy-loading (third)" in text
    assert {path.name for path in (out / "tables").iterdir()} >= {
        "lazy-loading-measures.csv",
        "lazy-loading-third-measures.csv",
    }


def test_what_cannot_be_published_is_refused_before_anything_is_written(tmp_path):
    run, out = synthetic.write(tmp_path / "run", few("lazy-loading"), studies=("lazy-loading",)), tmp_path / "out"
    publish(run, out)
    kept = written(out)
    with pytest.raises(RunFolderError, match="synthetic is published already, as lazy-loading"):
        publish(run, out, "again")
    with pytest.raises(BadInput, match="no name of a part"):
        publish(run, out, "../elsewhere")
    with pytest.raises(RunFolderError, match="is not a run"):
        publish(tmp_path / "nothing", out)
    with pytest.raises(UnfinishedRun):
        publish(synthetic.write(tmp_path / "half", few("lazy-loading"), planned=1000), out)
    with pytest.raises(RunFolderError, match="is a run itself"):
        publish(run, synthetic.write(tmp_path / "other", []))
    for name in ("a", "b"):
        synthetic.write(tmp_path / "twice" / name, few("lazy-loading"), run_id=name, studies=("lazy-loading",))
    with pytest.raises(RunFolderError, match="holds the study lazy-loading twice"):
        publish(tmp_path / "twice", out)
    assert written(out) == kept


def thicker(record):
    """Return the record with a longer timeline."""
    timeline = [
        GroupSample(at_s=at / 4, current_bytes=at % 97, anonymous_bytes=at, file_bytes=0) for at in range(3 * MOMENTS)
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
    made = [thicker(one) for one in few("lazy-loading")]
    run = synthetic.write(tmp_path / "run", made, studies=("lazy-loading",))
    out, archive = tmp_path / "out", "trials.jsonl.xz"
    page = publish(run, out)
    part = out / "lazy-loading"
    assert not (part / "trials.jsonl").exists()
    with RunFolder(part) as folder, pytest.raises(RunFolderError, match="finished run"):
        folder.write_info(load_run(out).info)
    records.write_compressed(tmp_path / "trials.jsonl", map(thin, records.read(run / "trials.jsonl")))
    assert (part / archive).read_bytes() == (tmp_path / archive).read_bytes()
    # Published again, or its pages made anew, nothing changes.
    kept = written(out)
    for again in (part, out):
        assert publish(again, out) == page
        assert written(out) == kept


def test_a_damaged_archive_is_one_sentence(tmp_path):
    run = synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1))))
    archive = tmp_path / "trials.jsonl"
    records.write_compressed(archive, records.read(run / "trials.jsonl"))
    path = tmp_path / "trials.jsonl.xz"
    for damaged in (path.read_bytes()[:-20], b"not compressed at all"):
        path.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="Cannot read"):
            records.read(archive)
