"""The ramp: what it asks is the same for every policy, and a killed agent is started again."""

import json
import subprocess
import sys

import msgspec
import pytest

from experiments.measuring.records import EngineSpec, RequestRow
from experiments.measuring.study import GridRequest
from experiments.studies.density import pressure, sharing
from experiments.studies.density._ramp import Ramp, Summary, beginnings

REQUEST = GridRequest(preset="quick", systems=(), engine=EngineSpec(name="llama", model_sha256="0"))


def ramp(policy="forecast", **more):
    return Ramp(
        **{
            "policy": policy,
            "limit_bytes": 2**40,
            "seed": 1,
            "duration_s": 0.3,
            "conversations": 3,
            "turns": 2,
            "think_s": 0.01,
            "state_bytes": 4096,
            "computed": 0.01,
        }
        | more
    )


def lived(asked):
    program = pressure._PROGRAM
    command = [sys.executable, "-c", program, msgspec.json.encode(asked).decode()]
    lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
    return [msgspec.json.decode(line, type=RequestRow) for line in lines[:-1]], msgspec.json.decode(
        lines[-1], type=Summary
    )


@pytest.mark.parametrize("preset", ["quick", "standard", "wide"])
def test_every_policy_of_a_ramp_is_asked_the_same(preset):
    cells = pressure.cells(msgspec.structs.replace(REQUEST, preset=preset))
    for ramp in {cell.condition["ramp"] for cell in cells}:
        asked = [cell for cell in cells if cell.condition["ramp"] == ramp]
        assert len({json.dumps(cell.settings) for cell in asked}) == 1
        policies = [cell.subject for cell in asked]
        assert policies == [policy for policy in pressure.POLICIES if policy in policies or preset == "wide"]
        assert {"unmanaged", "forecast"} <= set(policies)


def test_conversations_begin_in_the_first_two_thirds():
    asked = ramp(conversations=100)
    assert beginnings(asked) == beginnings(asked)
    assert beginnings(asked)[-1] <= 0.2


@pytest.mark.parametrize("policy", ["unmanaged", "threshold", "stages", "forecast"])
def test_with_room_for_all_every_turn_is_answered(policy):
    rows, summary = lived(ramp(policy))
    assert sorted((row.user, row.turn, row.outcome) for row in rows) == [
        (user, turn, "ok") for user in range(3) for turn in range(2)
    ]
    assert summary.refusals == 0


def test_without_any_room_turns_are_refused_and_the_agent_lives():
    rows, summary = lived(ramp(limit_bytes=2**20, think_s=1.0, conversations=1))
    assert {row.outcome for row in rows} <= {"ok", "Refused"}
    assert rows[-1].outcome == "Refused"
    assert summary.refusals > 0
    assert summary.stages["refusing"] > 0


def test_who_is_started_in_the_middle_asks_only_what_is_left():
    rows, _ = lived(ramp(begun_s=10.0, duration_s=0.3))
    assert rows == []


def test_a_way_to_keep_keys_and_values_is_one_engine_setting_away_from_another():
    cells = {cell.subject: cell for cell in sharing.cells(msgspec.structs.replace(REQUEST, preset="paper"))}
    assert list(cells) == list(sharing.SUBJECTS)
    for subject, settings in sharing.SUBJECTS.items():
        assert settings.items() <= cells[subject].engine.settings.items()


def test_an_engine_without_batches_has_nothing_to_share():
    assert sharing.cells(msgspec.structs.replace(REQUEST, engine=EngineSpec(name="simulated"))) == []
