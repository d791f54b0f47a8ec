"""The part `memory-limits`: its grid, what a limit and a replacement do, a trial at a real limit, and its figure."""

from __future__ import annotations

import msgspec
import pytest

from experiments.measuring import records as recorded
from experiments.measuring import requirements
from experiments.measuring.records import Outcome
from experiments.report.figures.strategies import memory_limits as figures
from experiments.studies.strategies import memory_limits
from tests.experiments.studies.strategies.in_process import (
    check_claims,
    check_grid,
    drawn,
    planned,
    tried,
    value,
    words,
)


def cell(runtime, fault, subject):
    [found] = [
        each
        for each in planned(memory_limits, "standard")
        if (each.condition["runtime"], each.condition["fault"], each.subject, each.twin)
        == (runtime, fault, subject, False)
    ]
    return found


def shorter(cell):
    """Return the cell with a third of its requests."""
    return msgspec.structs.replace(cell, condition={**cell.condition, "requests": int(cell.condition["requests"]) // 3})


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return trials in which no more is held than a limit allows: those without one need a group that has one."""
    folder = tmp_path_factory.mktemp("limits")
    wanted = [("python", "spike", "limited"), ("python", "leak", "limited"), ("python", "leak", "limited-recycled")]
    if not requirements.lacking("node"):
        wanted.append(("node", "spike", "limited"))
    return {each: tried(memory_limits, shorter(cell(*each)), folder) for each in wanted}


def test_the_grid_is_whole_and_the_claims_are_in_it():
    check_grid(memory_limits, 200)
    check_claims(memory_limits, "S2-limits")


def test_a_limit_fails_the_request_in_python_and_ends_the_process_in_node(records):
    python = records["python", "spike", "limited"]
    assert value("limits_crash_share", python) == 0
    assert value("limits_answered", python) == 1
    assert [row.outcome for row in python.part().requests].count("refused") == 1
    if ("node", "spike", "limited") in records:
        node = records["node", "spike", "limited"]
        assert value("limits_crash_share", node) == 1
        assert value("limits_starts", node) == 1


def test_a_limit_alone_leaves_a_leaking_agent_that_refuses_everything(records):
    limited, recycled = (records["python", "leak", name] for name in ("limited", "limited-recycled"))
    assert value("limits_crash_share", limited) == value("limits_crash_share", recycled) == 0
    assert value("limits_answered", limited) < 1 == value("limits_answered", recycled)
    assert value("limits_starts", limited) == 0 < value("limits_starts", recycled)


def test_the_figure_says_what_the_trials_did(records, tmp_path):
    found = drawn(figures, list(records.values()), tmp_path)
    assert set(found) == {"strategies-memory-limits"}
    assert "0 % in Python" in words(found["strategies-memory-limits"])


@pytest.mark.long
def test_at_the_limit_of_all_the_kernel_ends_an_agent_and_the_trial_goes_on(fourgig, enforcement, tmp_path):
    if enforcement:
        pytest.skip("no limit is enforced here")
    out = tmp_path / "run"
    arguments = ("--part", "memory-limits", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", "strategies", *arguments)
    assert done.returncode == 0, done.stderr
    found = {record.spec.subject: record for record in recorded.read(out / "trials.jsonl")}
    assert {record.outcome for record in found.values()} == {Outcome.OK}, [one.reason for one in found.values()]
    assert value("limits_crash_share", found["unlimited"]) == 1
    assert value("limits_crash_share", found["limited"]) == 0
