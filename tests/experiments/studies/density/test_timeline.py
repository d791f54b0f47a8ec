"""Memory over a conversation: what is planned, one trial of it, and the measures on known truth."""

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import profiles, records
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.records import EngineSpec, GroupSample, Outcome, Outside, Part
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.studies.density import timeline
from systems import registry
from tests.experiments.analysis import synthetic


def planned(preset, systems=("baseline", "asynchronous"), **engine):
    fields = {"name": "llama", "model": "135m", **engine}
    return timeline.cells(GridRequest(preset=preset, systems=systems, engine=EngineSpec(**fields)))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_each_condition_has_every_system(preset):
    cells = planned(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    wanted = {name for name in timeline.COMPARED if name in registry.systems.built_in_names()}
    for work in ("no model", "inference", "own words"):
        there = {cell.system for cell in cells if cell.condition["work"] == work}
        dear = preset in ("quick", "standard") and work != "no model"
        assert there in ({"baseline", timeline.TIERED} if dear else wanted, set())


def test_without_a_model_nothing_is_inferred_and_without_meaning_nothing_is_spoken():
    assert {cell.condition["work"] for cell in planned("standard", name="simulated", model=None)} == {"no model"}
    spoken = [cell for cell in planned("standard", words_are_meaningless=True) if cell.condition["work"] == "own words"]
    assert spoken
    assert all(cell.impossible == timeline.WORDLESS for cell in spoken)


def test_every_claim_of_this_part_is_tested_in_conditions_that_are_planned():
    conditions = [cell.condition for cell in planned("standard")]
    for name in ("S1-memory", "S1-memory-run", "S1-success", "S1-latency", "S1-throughput"):
        for test in claims.get(name).tests:
            assert any(test.fits(condition) for condition in conditions), (name, test.title)


@pytest.mark.long
def test_a_trial_notes_memory_after_every_turn_and_grades_its_tasks(fourgig, enforcement, tmp_path):
    out = tmp_path / "run"
    arguments = ("--part", "timeline", "--only", "tasks=many", "--engine", "simulated", "--preset", "smoke")
    done = fourgig("run", "density", *arguments, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert found
    generated = set()
    for record in found:
        assert record.outcome is Outcome.OK, record.reason
        part, turns, sessions = record.part(), record.spec.condition["turns"], record.spec.condition["sessions"]
        assert len(part.series["anonymous_bytes"]) == len(part.series["turn"]) == turns
        assert len(part.requests) == turns * sessions
        assert part.values["tasks/tasks"] == sessions  # each conversation asks once in its first turns
        generated.add(part.counters["engine_generated_tokens"])
        assert "unplanned_calls" not in part.counters
    assert len(generated) == 1  # equal work


def over_turns(sizes, outside=()):
    part = Part(role="subject", series={"turn": [float(at) for at in range(len(sizes))], "anonymous_bytes": sizes})
    seen = [GroupSample(at_s=at, current_bytes=None, anonymous_bytes=size, file_bytes=None) for at, size in outside]
    return synthetic.record(
        synthetic.spec("density", "tiered", profile=profiles.load("4gb")),
        part,
        outside=Outside(group=GroupMemory(), timeline=seen),
    )


def test_the_mean_is_the_area_over_the_turns_and_the_peak_also_what_was_seen_from_outside():
    record = over_turns([10.0, 10.0, 30.0], outside=[(0.1, 20), (0.2, None), (0.3, 45)])
    assert metrics.get("anonymous_mean").of(record) == pytest.approx((10 + 20) / 2)
    assert metrics.get("anonymous_peak").of(record) == 45
    assert metrics.get("anonymous_grown").of(record) == 20
    assert not isinstance(metrics.get("anonymous_mean").of(over_turns([10.0])), float)


def test_shares_of_tasks_are_read_as_they_were_noted():
    part = Part(role="subject", values={"tasks/in_prompt": 0.75, "tasks/in_prompt/late": 0.5})
    record = synthetic.record(synthetic.spec("density", "tiered"), part)
    assert metrics.get("tasks_in_prompt").of(record) == 0.75
    assert metrics.get("tasks_in_prompt_late").of(record) == 0.5
    assert not isinstance(metrics.get("tasks_answered").of(record), float)


def test_the_wide_preset_has_every_trial_of_the_standard_one():
    standard, wide = (
        {(str(cell.condition), cell.subject, cell.twin) for cell in planned(preset)} for preset in ("standard", "wide")
    )
    assert standard <= wide
