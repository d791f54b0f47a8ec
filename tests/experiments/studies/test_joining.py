"""Which systems stand beside the two that are compared, and where."""

import pytest

from experiments.measuring.records import EngineSpec
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.studies import joining
from experiments.studies.lazy_loading import LazyLoading
from experiments.studies.load import Load
from experiments.studies.memory import Memory
from systems import registry

STUDIES = (Load, Memory, LazyLoading)
HERE = {name for name in joining.SYSTEMS if name in registry.systems.names()}


def cells(study, preset, systems=("baseline", "asynchronous")):
    return study().grid(GridRequest(preset=preset, systems=systems, engine=EngineSpec(name="llama")))


def joined(study, preset, **more):
    found = cells(study, preset, **more)
    return [cell for cell in found if cell.system in joining.SYSTEMS and cell.part != "ladder"]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("preset", BLOCKS)
def test_what_is_registered_joins_where_results_may_be_judged_and_nowhere_else(study, preset):
    assert {"tiered", "agenticaiframework"} <= HERE
    found = joined(study, preset)
    assert {cell.system for cell in found} == (HERE if preset in GRADED else set())
    assert not any(cell.twin or cell.blocks for cell in found)


@pytest.mark.parametrize("study", STUDIES)
def test_who_names_other_systems_gets_those_alone(study):
    for systems in (("baseline",), ("asynchronous", "tiered")):
        assert {cell.system for cell in cells(study, "standard", systems)} - {None, *systems} == set()


def test_who_names_one_of_them_gets_it_once():
    found = cells(Load, "standard", ("baseline", "asynchronous", "tiered"))
    places = [(repr(cell.condition), cell.subject, cell.twin) for cell in found]
    assert len(set(places)) == len(places)
    assert {cell.system for cell in found} == {"baseline", "asynchronous", *HERE}


@pytest.mark.parametrize("preset", GRADED)
def test_in_the_load_study_they_stand_beside_both_agents_in_every_condition(preset):
    every = cells(Load, preset)
    for cell in joined(Load, preset):
        beside = {other.subject for other in every if other.condition == cell.condition}
        assert beside >= {"baseline", "asynchronous"}
    asked = {(cell.subject, cell.condition["users"], cell.condition["work"]) for cell in joined(Load, preset)}
    for name in HERE:
        on_both = {(subject, users, "inference") for subject in (name, f"{name}-batched") for users in (1, 10, 50)}
        assert asked >= on_both | {(name, 50, "simulation")}


@pytest.mark.parametrize("preset", GRADED)
def test_mechanisms_of_the_pooled_agent_are_taken_away_from_all_of_them_and_all_are_measured_twice(preset):
    climbing = [cell for cell in cells(Load, preset) if cell.part == "ladder" and cell.system in joining.SYSTEMS]
    assert {cell.condition["of"] for cell in climbing} == {"pooled"}
    assert {cell.condition["ladder"] for cell in climbing} == {"leave-one-out"}
    rungs, every = {cell.variant for cell in climbing}, {"all", *registry.systems.get("pooled").mechanisms}
    if preset == "standard":  # without those that fifty questions, one a user, give nothing to do
        assert rungs >= {"all", "pool", "isolation", "full_text", "all_words", "group_commit"}
        assert not rungs & {"tiers", "cleaning", "hnsw", "retries"}
        assert rungs < every
    else:
        assert rungs == every
    assert [cell.variant for cell in climbing if cell.twin] == ["all"]


@pytest.mark.parametrize("study", [Memory, LazyLoading])
def test_in_the_other_studies_they_share_conditions_with_an_agent_as_it_comes(study):
    every = cells(study, "standard")
    for cell in joined(study, "standard"):
        assert {other.system for other in every if other.condition == cell.condition} >= {"baseline", "asynchronous"}
        assert cell.variant in ("", "lazy")
