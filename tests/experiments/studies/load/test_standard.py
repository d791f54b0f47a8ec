"""The load study in the preset `standard` is cut to what is judged on it: all of that is planned, in six blocks."""

import itertools

import pytest

from experiments.analysis import claims
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import GridRequest
from experiments.report import concerns, decisions, key_comparisons
from experiments.studies import joining
from experiments.studies.load import Load
from systems import registry

SYSTEMS = ("baseline", "asynchronous")


def wanted():
    """Yield what names it, which conditions are meant, and the subjects that must share one of them."""
    for claim in claims.load().values():
        for test in claim.tests if claim.study == Load.name else ():
            yield f"{claim.id}: {test.title}", test, {test.subject, test.reference} - {None}
    for one in key_comparisons.load():
        if one.study == Load.name:
            yield one.name, one, {one.subject, one.reference}
    for decision, test in ((each, test) for each in decisions.load().decisions for test in each.tests):
        if test.study == Load.name:
            yield f"{decision.name}, {test.condition}", test, {test.subject, test.reference}
    asked = concerns.load()
    for concern, agent in itertools.product(asked.concerns, asked.agents):
        for source in concern.sources:
            if source.study == Load.name:
                yield f"{concern.name} of {agent.name}", source, {agent.subject(Load.name)}


@pytest.fixture(scope="module")
def cells():
    return Load().grid(GridRequest(preset="standard", systems=SYSTEMS, engine=EngineSpec(name="llama")))


def test_whatever_is_judged_or_shown_of_it_is_planned(cells):
    there = {}
    for cell in cells:
        if cell.blocks is None and not cell.twin:
            there.setdefault(repr(cell.condition), (cell.condition, set()))[1].add(cell.subject)
    asked = list(wanted())
    assert len(asked) > 100
    lacking = [
        name
        for name, fitting, subjects in asked
        if not any(fitting.fits(condition) and subjects <= found for condition, found in there.values())
    ]
    assert lacking == []


def test_every_agent_is_there_at_one_ten_and_fifty_users(cells):
    known = [*SYSTEMS, *(name for name in joining.SYSTEMS if name in registry.systems.names())]
    for users in (1, 10, 50):
        here = {cell.subject for cell in cells if cell.part == "inference" and cell.condition["users"] == users}
        assert here >= {f"{name}{engine}" for name in known for engine in ("", "-batched")}


def test_rungs_that_have_nothing_to_do_are_left_to_longer_presets(cells):
    rungs = {cell.variant for cell in cells if cell.part == "ladder" and cell.condition["of"] == "asynchronous"}
    assert {"isolation", "full_text", "background_saving", "admission", "lazy_loading"} <= rungs
    assert rungs.isdisjoint({"retries", "lru_cache", "growing_prompts"})
    wide = Load().grid(GridRequest(preset="wide", systems=SYSTEMS, engine=EngineSpec(name="llama")))
    every = {cell.variant for cell in wide if cell.part == "ladder" and cell.condition["of"] == "asynchronous"}
    assert every - {"", "in-loop", "none", "all"} == set(registry.systems.get("asynchronous").mechanisms)
