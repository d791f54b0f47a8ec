"""The part `leaks`: what is planned, what is called a leak, and a small run of it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import metrics
from experiments.measuring.probes.processes import Inside
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import BLOCKS, Cell, GridRequest, Preset
from experiments.studies.strategies import _leaking, leaks
from experiments.studies.strategies._leak_names import LEAST_BYTES, LOOKS, MEMRAY, SNAPSHOTS, WATCHED
from experiments.studies.strategies._leaking import NamedLeaks, SteadyGrowth, leaking_place
from tests.experiments.studies.strategies.in_process import tried


def cells(preset: Preset) -> list[Cell]:
    return leaks.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_with_enough_looks(preset: Preset) -> None:
    found = cells(preset)
    assert len({(str(cell.condition), cell.subject) for cell in found}) == len(found)
    assert all(0 < cell.estimate_s < cell.timeout_s and json.dumps(cell.condition) for cell in found)
    assert all(int(cell.condition["turns"] or 0) > (LOOKS + 1) * leaks.EVERY for cell in found)
    assert all(metrics.get(name) for name in leaks.MEASURES)


def test_the_standard_preset_takes_a_minute_at_most() -> None:
    assert sum((cell.blocks or BLOCKS["standard"]) * cell.estimate_s for cell in cells("standard")) < 60


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=12))
def test_what_grew_at_the_last_looks_and_by_enough_is_a_leak_and_nothing_else_is(sizes: list[int]) -> None:
    growth = SteadyGrowth()
    named = [growth.look({"a line": size, "another": 10**6}) for size in sizes]
    last = sizes[-LOOKS - 1 :]
    grew = len(last) > LOOKS and all(before < after for before, after in pairwise(last))
    assert ("a line" in named[-1]) is (grew and last[-1] - last[0] >= LEAST_BYTES)
    assert "another" not in named[-1]


def test_the_line_that_leaks_is_told_from_others() -> None:
    judged = NamedLeaks("leak")
    for turn in range(1, 6):
        judged.look(turn, {"leak": 5_000 * turn, "cache": 5_000 * min(turn, 4), "file": 7})
    assert (judged.found_after, judged.others) == (4, {"cache"})


@pytest.mark.parametrize("subject", ["snapshots", "memray"])
def test_the_leak_is_found_as_soon_as_the_rule_allows(subject: str, tmp_path: Path) -> None:
    [small] = [cell for cell in cells("smoke") if cell.subject == "snapshots"]
    record = tried(leaks, msgspec.structs.replace(small, subject=subject), tmp_path)
    assert metrics.get("leak_found_after").of(record) == (LOOKS + 1) * leaks.EVERY
    assert metrics.get("latency_p50").of(record) > 0
    assert leaking_place().startswith("strategies/_leaking.py:")


@pytest.mark.parametrize("subject", [WATCHED, SNAPSHOTS, MEMRAY])
def test_memory_is_read_while_the_way_of_looking_still_holds_what_it_holds(
    subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    way = _leaking._WAYS[subject]
    ended, read = way.close, Inside.anonymous_bytes
    monkeypatch.setattr(way, "close", lambda self: (seen.append("closed"), ended(self)))
    monkeypatch.setattr(Inside, "anonymous_bytes", lambda self: (seen.append("read"), read(self))[1])
    [small] = [cell for cell in cells("smoke") if cell.subject == SNAPSHOTS]
    record = tried(leaks, msgspec.structs.replace(small, subject=subject), tmp_path)
    assert seen[-2:] == ["read", "closed"]
    assert metrics.get("leak_memory").of(record) > 0
