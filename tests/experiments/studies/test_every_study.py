"""What holds of every study, and one end to end with a system from outside. `.ci/check_run.py` judges a run of all."""

from collections import Counter

import pytest

from experiments.measuring import plan, records
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec, Outcome

STUDIES = ("isolation", "lazy-loading", "memory", "load")


def failures(found):
    return [
        (record.spec.subject, record.outcome, record.reason) for record in found if record.outcome is not Outcome.OK
    ]


@pytest.mark.long
def test_a_system_from_another_package_goes_through_the_studies(fourgig, enforcement, tmp_path):
    out, studies = tmp_path / "run", ("lazy-loading",)
    arguments = ("--systems", "echo", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *studies, *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert failures(found) == []
    assert {record.spec.study for record in found if record.spec.system == "echo"} == set(studies)


def planned(preset, blocks, names=STUDIES):
    """Return the trials of ``preset``."""
    shapes = {shape: EngineSpec(name="llama", model=shape) for shape in plan.shapes_needed(names, preset)}
    made = plan.make(
        preset=preset,
        study_names=names,
        system_names=("baseline", "asynchronous"),
        engine=EngineSpec(name="llama", model="135m"),
        profile=load("4gb"),
        blocks=blocks,
        seed=1,
        shapes=shapes,
    )
    return made.trials


@pytest.mark.parametrize("preset", ["smoke", "standard", "wide", "paper"])
def test_a_study_plans_the_same_alone_as_with_the_others(preset):
    def keys(*names):
        return [spec.key for spec in planned(preset, 1, names)]

    assert keys(*STUDIES) == [key for name in STUDIES for key in keys(name)]


def test_the_wide_preset_has_every_trial_of_the_standard_one():
    assert {spec.key for spec in planned("standard", 6)} < {spec.key for spec in planned("wide", 6)}


def test_what_the_standard_preset_compares_has_six_blocks():
    blocks = Counter((spec.study, repr(spec.condition), spec.subject) for spec in planned("standard", 6))
    few = {(study, condition) for (study, condition, _), count in blocks.items() if count < 6}
    # Traces are no samples, a soak of ten turns shows that the model's share stays, and a waterfall is judged nowhere.
    assert all("memray" in condition or "soak" in condition or "resources" in condition for _, condition in few)
