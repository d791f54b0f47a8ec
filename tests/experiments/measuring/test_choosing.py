"""What filters keep of a study's cells, and which A/A arms belong to it."""

import pytest

from experiments.measuring import plan
from experiments.measuring.choosing import chosen
from experiments.measuring.records import EngineSpec
from experiments.studies import joining
from systems.errors import BadInput

LLAMA = EngineSpec(name="llama", model="tiny")


def grid(study, preset="standard"):
    return {study: plan.grid(study, preset, ("baseline", "asynchronous"), LLAMA, {})}


def kept(grids, *, part=None, arms=False, **only):
    [cells] = chosen(grids, part=part, only=only, arms=arms).values()
    return cells


def test_of_one_factor_any_level_will_do_and_of_several_each_must():
    found = kept(grid("load"), part="inference", users=("1", "50"), subject=("baseline", "asynchronous"))
    assert {(cell.condition["users"], cell.subject) for cell in found} == {
        (users, subject) for users in (1, 50) for subject in ("baseline", "asynchronous")
    }
    assert {cell.part for cell in found} == {"inference"}


def test_an_empty_level_keeps_what_has_no_such_factor():
    found = kept(grid("lazy-loading"), part="start", page_cache="cold", pause_s="")
    assert found
    assert all(cell.condition == {"page_cache": "cold"} for cell in found)


@pytest.mark.parametrize(
    ("only", "says"),
    [
        ({"users": ("50", "51")}, "No trial has users=51; the levels of users are 1, 2, 10, 25"),
        ({"users": ""}, "No trial has users="),
        ({"user": ""}, "'user'"),
        ({"users": ("10", "50"), "ladder": "add-one", "sleep_ms": "20"}, "users=10 or 50 and ladder=add-one"),
    ],
)
def test_a_level_that_no_trial_has_is_refused_also_beside_one_that_some_have(only, says):
    with pytest.raises(BadInput, match=says):
        kept(grid("load", "wide"), **only)


@pytest.mark.parametrize(
    ("condition", "armed"),
    [
        ({"users": 1}, {("inference", 10)}),
        # As near to the inference as to the ladder: the floor is the larger one of both.
        ({"users": 50}, {("inference", 10), ("serial simulation", 50)}),
    ],
)
def test_with_the_arms_come_those_of_the_nearest_conditions(condition, armed):
    only = {factor: str(level) for factor, level in condition.items()}
    found = kept(grid("load"), part="inference", arms=True, **only)
    arms = [cell for cell in found if cell.twin]
    assert {(cell.condition["work"], cell.condition["users"]) for cell in arms} == armed
    for arm in arms:  # both halves
        assert [cell.subject for cell in found if cell.condition == arm.condition].count(arm.subject) == 2
    rest = [cell for cell in found if cell.condition["users"] == condition["users"] and cell.part == "inference"]
    batched = {"baseline-batched", "asynchronous-batched"}
    joined = {f"{name}{engine}" for name in joining.SYSTEMS for engine in ("", "-batched")}
    assert {cell.subject for cell in rest} - joined == {
        "baseline",
        "asynchronous",
        "baseline-fast-segmenter",
        *batched,
    }


def test_a_part_without_arms_takes_all_of_its_studys():
    found = kept(grid("memory"), part="evidence", arms=True)
    every = [cell for cells in grid("memory").values() for cell in cells if cell.twin]
    assert every
    assert [cell for cell in found if cell.twin] == every


def test_where_no_cell_is_run_twice_no_arms_can_be_had():
    with pytest.raises(BadInput, match="no A/A arms"):
        kept(grid("load", "quick"), users="50", arms=True)


def test_what_is_chosen_keeps_its_order():
    whole = grid("load")["load"]
    found = kept(grid("load"), users=("50", "1"), arms=True)
    assert found == [cell for cell in whole if cell in found]
