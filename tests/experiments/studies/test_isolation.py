"""The isolation study: its grid, and each kind of work done for real."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, Part, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset
from experiments.studies.isolation import LOAD_ISOLATION, Isolation
from experiments.workloads import blocking
from systems.errors import StoreError
from systems.memory.like import LikeStore

PRESETS = get_args(Preset)
SIMULATED = EngineSpec(name="simulated")


def grid(preset: Preset) -> list[Cell]:
    return list(Isolation().grid(GridRequest(preset=preset, systems=("baseline", "asynchronous"), engine=SIMULATED)))


def place(cell: Cell) -> str:
    return json.dumps([cell.condition, cell.subject, cell.twin], sort_keys=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_cell_stands_twice_and_every_kind_of_work_is_there(preset: Preset) -> None:
    cells = grid(preset)
    assert max(Counter(map(place, cells)).values()) == 1
    works = {cell.condition["work"] for cell in cells}
    assert works == {"sleep", *blocking.KINDS, "inference", LOAD_ISOLATION}
    assert all(cell.timeout_s < 15 * 60 and 0 < cell.estimate_s < cell.timeout_s for cell in cells)


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset != "smoke"])
def test_every_condition_has_its_reference_and_something_to_compare_with_it(preset: Preset) -> None:
    conditions: dict[str, set[str]] = {}
    for cell in grid(preset):
        conditions.setdefault(json.dumps(cell.condition), set()).add(cell.subject)
    for subjects in conditions.values():
        [_] = subjects & set(Isolation.references)
        assert len(subjects) > 1
        assert "baseline" not in subjects or "baseline-alone" in subjects


@pytest.mark.parametrize("preset", PRESETS)
def test_twins_are_there_where_results_are_judged_one_arm_a_kind_of_work(preset: Preset) -> None:
    armed: dict[tuple[object, object], set[str]] = {}
    cells = grid(preset)
    singles = {place(cell) for cell in cells if not cell.twin}
    for cell in cells:
        if cell.twin:
            armed.setdefault((cell.condition["work"], cell.condition.get("task")), set()).add(cell.subject)
            assert json.dumps([cell.condition, cell.subject, False], sort_keys=True) in singles
    pair, systems = {"serial", "offloaded-6"}, {"baseline", "asynchronous"}
    expected: dict[tuple[object, object], set[str]] = {(work, None): pair for work in ("sleep", *blocking.KINDS)}
    expected |= {("inference", None): systems, (LOAD_ISOLATION, "sleep"): pair, (LOAD_ISOLATION, "inference"): systems}
    assert armed == (expected if preset in GRADED else {})
    assert len({json.dumps(cell.condition) for cell in cells if cell.twin}) == len(armed)


def test_the_paper_preset_has_the_published_grid_unshortened() -> None:
    sleeps = [cell.condition for cell in grid("paper") if cell.condition["work"] == "sleep"]
    published = {(n, kb, ms) for n in (10, 50, 100) for kb in (100, 1000, 5000) for ms in (100, 300, 500)}
    assert published <= {(one["requests"], one["kilobytes"], one["sleep_ms"]) for one in sleeps}
    assert not any("shortened" in label for cell in grid("paper") for label in cell.labels)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_shorter_than_published_says_so(preset: Preset) -> None:
    for cell in grid(preset):
        short = cell.condition.get("sleep_ms", 100) != 100 or cell.condition.get("long_ms", 10_000) != 10_000
        if preset != "paper":
            assert any("shortened" in label for label in cell.labels) is short


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Part]:
    """Return a function that does the subject's part of a trial in this process."""
    monkeypatch.setattr(Role, "outside_look", lambda _role, _name="end": None)

    def run(condition: dict[str, Any], subject: str = "serial", model: Path | None = None, **changes: Any) -> Part:
        spec = TrialSpec(
            study="isolation",
            condition=condition,
            subject=subject,
            profile=profiles.load("4gb"),
            block=0,
            seed=7,
            timeout_s=60.0,
            code_version="test",
            **changes,
        )
        assignment = Assignment(
            role="subject",
            spec=spec,
            work_dir=str(tmp_path),
            part_path=str(tmp_path / "part"),
            cpus=(0,),
            runner_pid=os.getpid(),
            model_path=str(model) if model else None,
        )
        role = Role(assignment, to_runner=-1)
        Isolation().run_subject(role)
        return role.part

    return run


@pytest.mark.parametrize("workers", [0, 4])
@pytest.mark.parametrize("work", blocking.KINDS)
def test_every_piece_of_work_is_done_once(do: Callable[..., Part], work: str, workers: int, tmp_path: Path) -> None:
    settings = {"workers": workers} if workers else {}
    part = do({"work": work, "requests": 5}, settings=settings)
    assert [row.outcome for row in part.requests] == ["ok"] * 5
    assert all(row.intended_s <= row.started_s <= row.finished_s for row in part.requests)
    if not workers:  # one after another
        finished = [row.finished_s for row in part.requests]
        assert finished == sorted(finished)
    if work == "file read":
        assert part.values["bytes_left_cached"] >= 0
    if work == "file write":
        written = [path.stat().st_size for path in tmp_path.glob("written-*")]
        assert written == [blocking.FILE_KILOBYTES * 1024] * 6  # one is untimed
    if work == "SQLite commit":
        assert len(LikeStore(tmp_path / "memory.sqlite").find("someone", ["friend"], 100)) == 6


def test_a_piece_that_fails_is_an_outcome_and_the_others_go_on(
    do: Callable[..., Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = LikeStore.save, iter(range(10))

    def sometimes(store: LikeStore, turns: Any) -> None:
        if next(calls) == 2:
            raise StoreError("database is locked")
        save(store, turns)

    monkeypatch.setattr(LikeStore, "save", sometimes)
    part = do({"work": "SQLite commit", "requests": 4})
    assert [row.outcome for row in part.requests] == ["ok", "StoreError", "ok", "ok"]


def test_in_the_loop_a_short_task_waits_for_the_long_one_and_offloaded_it_does_not(do: Callable[..., Part]) -> None:
    condition = {"work": LOAD_ISOLATION, "task": "sleep", "long_ms": 300}
    long, short = do(condition).requests
    assert short.started_s >= long.finished_s
    long, short = do(condition, "offloaded-6", settings={"workers": 6}).requests
    assert short.finished_s < long.finished_s


@pytest.mark.parametrize(
    ("subject", "system", "hosting"),
    [
        ("baseline", "baseline", "in-loop"),
        ("baseline-alone", "baseline", "alone"),
        ("asynchronous", "asynchronous", None),
    ],
)
def test_a_short_reply_beside_a_long_one_with_a_real_model(
    do: Callable[..., Part], tiny_model: Path, subject: str, system: str, hosting: str | None
) -> None:
    condition = {"work": LOAD_ISOLATION, "task": "inference", "long_tokens": 96}
    part = do(condition, subject, tiny_model, system=system, hosting=hosting, engine=EngineSpec(name="llama"))
    assert [row.outcome for row in part.requests] == ["ok", "ok"]
    assert [row.generated_tokens for row in part.requests] == [96, 8]
