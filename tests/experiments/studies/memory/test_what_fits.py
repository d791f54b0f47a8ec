"""What fits: its grid, and real trials that finish or are given up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import get_args

import pytest

from experiments import metrics
from experiments.measuring import profiles, records, runner
from experiments.measuring.limits.select import choose
from experiments.measuring.records import EngineSpec, Outcome, Record, TrialSpec
from experiments.measuring.runs import RunFolder
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.memory import what_fits
from systems.engines.llama import LlamaSettings
from systems.models import check
from systems.models.shapes import SHAPES

PRESETS = get_args(Preset)
LLAMA = EngineSpec(name="llama")


def grid(preset: Preset, shapes: tuple[str, ...] | None = None) -> list[Cell]:
    named = what_fits.shapes(preset) if shapes is None else shapes
    engines = {shape: EngineSpec(name="llama", model_shape=shape) for shape in named}
    return what_fits.cells(GridRequest(preset=preset, systems=(), engine=LLAMA, shapes=engines))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_shape_is_asked_under_every_limit_once(preset: Preset) -> None:
    cells = grid(preset)
    places = [(cell.profile, cell.subject) for cell in cells]
    assert len(set(places)) == len(places)
    limits = {cell.profile for cell in cells}
    assert {(limit, shape) for limit in limits for shape in what_fits.shapes(preset)} <= set(places)
    for cell in cells:
        assert cell.condition == {"part": "what-fits", "profile": cell.profile}
        assert cell.engine is not None and cell.engine.model_shape in SHAPES
        LlamaSettings(model_path="", **cell.engine.settings)
        assert 0 < cell.estimate_s < cell.timeout_s < 15 * 60
        assert json.dumps(cell.settings)


def test_the_question_of_eight_billion_in_four_gigabytes_is_asked_in_each_way() -> None:
    asked = {cell.subject for cell in grid("wide") if cell.profile == "4gb"}
    assert {"8b", "8b, repacked", "8b, read whole"} <= asked


def test_where_no_model_runs_there_is_nothing_to_fit() -> None:
    assert grid("wide", shapes=()) == []


def trial(subject: str, engine: EngineSpec, patience_s: float) -> TrialSpec:
    return TrialSpec(
        study="memory",
        condition={"part": "what-fits", "profile": "1gb"},
        subject=subject,
        engine=engine,
        settings={"patience_s": patience_s},
        profile=profiles.load("1gb"),
        block=0,
        seed=1,
        timeout_s=60.0,
        code_version="test",
    )


@pytest.fixture(scope="module")
def ended(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """Run real trials: one that finishes, and two that are given up, while loading and after the first token."""
    # A file of its own: pages that another test has mapped stay in memory, and would not be read from the disk.
    model = check.check(Path(shutil.copy(tiny_model, tmp_path_factory.mktemp("model"))))
    real = EngineSpec(name="llama", model_sha256=model.sha256, settings={"context_tokens": what_fits.CONTEXT_TOKENS})
    trials = [
        trial("whole", real, 60.0),
        trial("loading", EngineSpec(name="simulated", settings={"load_s": 1000.0}), 0.2),
        trial("speaking", EngineSpec(name="simulated", settings={"token_s": 1000.0}), 2.0),
    ]
    limits = profiles.load("1gb")
    with RunFolder(tmp_path_factory.mktemp("runs") / "run") as folder:
        runner.run(
            trials,
            folder,
            choose(limits, allow_unenforced=True),
            limits,
            "what-fits-test",
            models={model.sha256: model.path},
            voids_noise=False,
            on_start=lambda _: None,
            on_finish=lambda _: None,
        )
        return {record.spec.subject: record for record in records.read(folder.trials)}


def test_a_reply_that_finishes_is_whole(ended: dict[str, Record]) -> None:
    record = ended["whole"]
    assert record.outcome is Outcome.OK, record.reason
    part = record.parts[0]
    assert part.values["tokens"] == part.values["tokens_asked"] == what_fits.REPLY_TOKENS
    assert 80 <= part.values["prompt_tokens"] <= what_fits.CONTEXT_TOKENS - what_fits.REPLY_TOKENS
    left = record.outside.page_cache_left_bytes or 0
    assert part.values["disk_read_bytes"] + left >= part.values["model_bytes"] > 0
    order = [part.marks[name] for name in ("began", "asked", "first_token", "last_token", "ended")]
    assert order == sorted(order)
    assert metrics.get("reply_share").of(record) == 1


@pytest.mark.parametrize(("subject", "tokens"), [("loading", 0), ("speaking", 1)])
def test_what_is_given_up_is_a_record_of_what_was_reached(ended: dict[str, Record], subject: str, tokens: int) -> None:
    record = ended[subject]
    assert record.outcome is Outcome.OK, record.reason
    assert record.outside.exit_status == {"subject": 0}
    assert record.parts[0].values["tokens"] == tokens
    assert ("asked" in record.parts[0].marks) is (subject == "speaking")
    assert metrics.get("usable").of(record) == 0
    rate = metrics.get("generation_rate").of(record)
    assert not isinstance(rate, Missing) and rate > 0
