"""A folder of runs is read as its parts, side by side: nothing of one is mixed with another."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from experiments import load_run
from experiments.analysis.run import Run
from experiments.errors import RunFolderError, UnfinishedRun
from experiments.measuring.records import Record
from tests.experiments.analysis import synthetic

FRAMES = ("trials", "requests", "measures", "timeline", "series", "allocators", "pairs", "comparisons", "floors")


def lazy_loading(seed: int = 1, blocks: int = 2) -> list[Record]:
    return list(synthetic.lazy_loading(blocks, random.Random(seed)))


def compared(frame: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Hold two frames to each other, whatever stands for a value that is missing."""
    one, other = (each.astype(object).where(each.notna(), None) for each in (frame.reset_index(drop=True), expected))
    pd.testing.assert_frame_equal(one, other)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two runs, each of one study."""
    isolation = list(synthetic.isolation(2, random.Random(1)))
    synthetic.write(tmp_path / "isolation", isolation, run_id="first", studies=("isolation",))
    synthetic.write(tmp_path / "lazy-loading", lazy_loading(), run_id="second", studies=("lazy-loading",))
    (tmp_path / "figures").mkdir()
    return tmp_path


def test_each_folder_with_a_run_in_it_is_a_part(folder: Path) -> None:
    run = load_run(folder)
    assert [(part.run, part.studies) for part in run.parts] == [
        ("first", ("isolation",)),
        ("second", ("lazy-loading",)),
    ]
    assert dict(zip(run.trials["study"], run.trials["run"], strict=True)) == {
        "isolation": "first",
        "lazy-loading": "second",
    }
    assert run.info_of("lazy-loading").run_id == "second"
    with pytest.raises(RunFolderError, match="holds 2 runs"):
        _ = run.info


def test_what_is_said_of_a_part_does_not_depend_on_the_others(folder: Path) -> None:
    for part, name in zip(load_run(folder).split(), ("isolation", "lazy-loading"), strict=True):
        alone = load_run(folder / name)
        assert part.info == alone.info
        assert part.folder == alone.folder
        for frame in FRAMES:
            compared(getattr(part, frame), getattr(alone, frame))


@pytest.fixture
def twice(tmp_path: Path) -> Run:
    """The same trials of one study, measured in two runs."""
    for name, seed in (("old", 1), ("new", 2)):
        synthetic.write(tmp_path / name, lazy_loading(seed), run_id=name, studies=("lazy-loading",))
    return load_run(tmp_path)


def test_a_study_that_two_parts_hold_is_compared_within_each(twice: Run) -> None:
    assert set(twice.trials.groupby("key")["run"].nunique()) == {2}
    assert len(twice.trials) == 2 * len(lazy_loading())
    for part in twice.split():
        for frame in ("pairs", "comparisons", "floors"):
            whole = getattr(twice, frame)
            compared(whole[whole["run"] == part.info.run_id], getattr(part, frame))
    assert len(twice.pairs) == sum(len(part.pairs) for part in twice.split())


def test_one_run_in_two_folders_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        synthetic.write(tmp_path / name, lazy_loading(), run_id="only")
    with pytest.raises(RunFolderError, match=r"a and .*b hold the same run, only"):
        load_run(tmp_path)


def test_a_broken_part_is_named_in_one_sentence(folder: Path) -> None:
    path = folder / "lazy-loading" / "run.json"
    whole = path.read_text()
    for broken in ("", "[]", '{"schema_version": 1}', '{"schema_version": 99}'):
        path.write_text(broken)
        with pytest.raises(RunFolderError, match="lazy-loading") as raised:
            load_run(folder)
        assert "\n" not in str(raised.value)
    path.write_text(whole)
    records = folder / "lazy-loading" / "trials.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(lines[0])
    with pytest.raises(UnfinishedRun, match=f"lazy-loading has 1 of {len(lines)}"):
        load_run(folder)
    assert len(load_run(folder, unfinished=True).split()[1].trials) == 1
    records.write_bytes(b"{}\n")
    with pytest.raises(RunFolderError, match="lazy-loading"):
        load_run(folder)


def test_the_code_of_a_part_is_held_to_the_run_of_that_part(folder: Path) -> None:
    path = folder / "lazy-loading" / "run.json"
    path.write_text(path.read_text().replace('"code_version": "test"', '"code_version": "other"'))
    with pytest.raises(RunFolderError, match="of run second come from other code"):
        load_run(folder)


def test_a_study_that_cannot_be_imported_is_not_compared_and_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "strange-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fourgig.studies]\nstrange = no_such_module:Study\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    made = [*lazy_loading(), *(synthetic.record(synthetic.spec(name, "baseline")) for name in ("strange", "gone"))]
    run = load_run(synthetic.write(tmp_path / "run", made))
    assert set(run.comparisons["study"]) == {"lazy-loading"}
    said = " ".join(run.uncompared)
    assert "'strange' (no_such_module:Study) cannot be imported" in said
    assert "gone is not installed here" in said
    assert said.count("its measures are shown without comparison.") == 2


def test_only_the_runs_of_the_studies_that_are_asked_for_are_opened(folder: Path) -> None:
    (folder / "isolation" / "trials.jsonl").write_bytes(b"{}\n")
    run = load_run(folder, studies=["lazy-loading", "load"])
    assert run.folder == folder
    compared(run.measures, load_run(folder / "lazy-loading").measures)
    with pytest.raises(RunFolderError, match="has no run of memory or load"):
        load_run(folder, studies=["memory", "load"])


def test_the_first_run_of_a_study_may_be_asked_for_by_a_condition(tmp_path: Path) -> None:
    imports = [record for record in lazy_loading() if record.spec.condition.get("part") == "imports"]
    others = [record for record in lazy_loading() if record not in imports]
    for name, records in (("first", others), ("second", imports)):
        synthetic.write(tmp_path / name, records, run_id=name, studies=("lazy-loading",))
    run = load_run(tmp_path)
    assert run.first_with("lazy-loading").info.run_id == "first"
    assert run.first_with("lazy-loading", part="imports").info.run_id == "second"
    assert run.first_with("lazy-loading", part="no such part").info.run_id == "first"
