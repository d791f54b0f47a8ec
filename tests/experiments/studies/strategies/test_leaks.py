"""The part `leaks`: what is planned, what is called a leak, and a small run of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import metrics
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome
from experiments.measuring.study import BLOCKS, Cell, GridRequest, Preset
from experiments.studies.strategies import leaks
from experiments.studies.strategies._leaking import Growth, Judged, leaking_place


def cells(preset: Preset) -> list[Cell]:
    return leaks.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_with_enough_looks(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert all(int(cell.condition["turns"] or 0) > (leaks.LOOKS + 1) * leaks.EVERY for cell in found)
    assert all(metrics.get(name) for name in leaks.MEASURES)


def test_the_standard_preset_takes_a_minute_at_most() -> None:
    assert sum((cell.blocks or BLOCKS["standard"]) * cell.estimate_s for cell in cells("standard")) < 60


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=12))
def test_what_grew_at_the_last_looks_and_by_enough_is_a_leak_and_nothing_else_is(sizes: list[int]) -> None:
    growth = Growth()
    named = [growth.look({"a line": size, "another": 10**6}) for size in sizes]
    last = sizes[-leaks.LOOKS - 1 :]
    grew = len(last) > leaks.LOOKS and all(before < after for before, after in zip(last, last[1:], strict=False))
    assert ("a line" in named[-1]) is (grew and last[-1] - last[0] >= leaks.LEAST_BYTES)
    assert "another" not in named[-1]


def test_the_line_that_leaks_is_told_from_others() -> None:
    judged = Judged("leak")
    for turn in range(1, 6):
        judged.look(turn, {"leak": 5_000 * turn, "cache": 5_000 * min(turn, 4), "file": 7})
    assert (judged.found_after, judged.others) == (4, {"cache"})


def test_a_small_run_finds_the_leak(fourgig, enforcement, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("strategies", "--part", "leaks", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = {record.spec.subject: record for record in records.read(out / "trials.jsonl")}
    assert {record.outcome for record in found.values()} == {Outcome.OK}
    after = metrics.get("leak_found_after").of(found["snapshots"])
    assert after == (leaks.LOOKS + 1) * leaks.EVERY
    assert leaking_place().startswith("strategies/_leaking.py:")
    assert (out / "figures" / "strategies-leaks.png").exists()
