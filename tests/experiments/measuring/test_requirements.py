"""What a machine lacks is left out of a plan with the reason, and changes nothing else of it."""

import msgspec
import pytest

from experiments.measuring import plan, requirements
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec, Outside
from systems.errors import UnknownName
from tests.experiments.analysis import synthetic


def planned(preset="quick", past=()):
    return plan.make(
        preset=preset,
        study_names=("memory",),
        system_names=("baseline", "asynchronous"),
        engine=EngineSpec(name="simulated"),
        profile=load("4gb"),
        blocks=2,
        seed=1,
        past=past,
    )


def simulated_policy(spec):
    return spec.condition.get("part") == "hit-rate" and spec.subject in ("s3-fifo", "sieve", "optimum")


def test_a_package_that_is_not_installed_costs_its_cells_and_leaves_the_order_of_the_others(monkeypatch):
    monkeypatch.setattr(requirements, "find_spec", lambda _: object())
    with_it = planned()
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    without = planned()
    assert with_it.skipped == ()
    skipped = [spec for spec in with_it.trials if simulated_policy(spec)]
    assert len(without.skipped) == len(skipped) / 2 > 0
    assert {each.reason for each in without.skipped} == {"libcachesim: the package is not installed"}
    assert [spec.key for spec in without.trials] == [spec.key for spec in with_it.trials if not simulated_policy(spec)]
    assert len(without.seconds) == len(without.trials)


def test_a_run_counts_what_was_measured_before_it_went_missing(monkeypatch):
    monkeypatch.setattr(requirements, "find_spec", lambda _: object())
    with_it = planned()
    done = [
        synthetic.record(spec, outside=Outside(duration_s=1.0)) for spec in with_it.trials if simulated_policy(spec)
    ]
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    assert planned().count(done[:3]) == len(planned().trials) + 3
    assert with_it.count(done) == len(with_it.trials)


def test_a_run_keeps_the_code_versions_of_what_went_missing():
    made = planned()
    (version, *_) = {spec.code_version for spec in made.trials if spec.system == "baseline"}
    others = [spec for spec in made.trials if spec.system != "baseline"]
    left = msgspec.structs.replace(made, trials=tuple(others))
    assert version not in left.code_versions(())
    assert left.code_versions(made.code_versions(())) == made.code_versions(())


def test_without_the_model_that_reads_answers_are_still_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(requirements, "READER", tmp_path / "none")
    assert requirements.lacking("reader") == "reader: the model that reads is not there"
    assert "reader" not in plan.shapes_needed(("memory",), "smoke")
    assert any("answers are not graded" in label for spec in planned("smoke").trials for label in spec.labels)


@pytest.mark.long
def test_a_system_whose_memory_cannot_be_filled_is_skipped_where_it_would_have_to_be():
    made = plan.make(
        preset="wide",
        study_names=("memory",),
        system_names=("baseline", "tests.experiments.echo_system:Echo"),
        engine=EngineSpec(name="simulated"),
        profile=load("4gb"),
        blocks=1,
        seed=1,
    )
    (skipped,) = [each for each in made.skipped if "libcachesim" not in each.reason]
    assert skipped.condition["memories"]
    assert skipped.subject == "tests.experiments.echo_system:Echo"
    assert "does not say how its long-term memory is filled" in skipped.reason


def test_an_unknown_requirement_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="libcachesim"):
        requirements.get("libcachesi")
    assert requirements.names()[:2] == ["libcachesim", "reader"]


def test_a_system_of_a_package_that_is_not_installed_is_skipped_in_every_study(monkeypatch):
    def planned_of_it():
        return plan.make(
            preset="smoke",
            study_names=("load", "lazy-loading"),
            system_names=("baseline", "agenticaiframework"),
            engine=EngineSpec(name="simulated"),
            profile=load("4gb"),
            blocks=1,
            seed=1,
        )

    monkeypatch.setattr(requirements, "find_spec", lambda _: object())
    with_it = planned_of_it()
    assert with_it.skipped == ()
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    without = planned_of_it()
    assert {each.reason for each in without.skipped} == {"agenticaiframework: the package is not installed"}
    its_own = [spec for spec in with_it.trials if spec.system == "agenticaiframework"]
    assert len(without.skipped) == len(its_own) > 0
    assert len(without.trials) == len(with_it.trials) - len(its_own)
