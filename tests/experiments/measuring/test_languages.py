"""A model is asked in languages that it has, as a workload of its own name."""

from __future__ import annotations

import msgspec
import pytest

from experiments.measuring import languages, plan, profiles
from experiments.measuring.records import ENGLISH_WORKLOAD, WORKLOAD, EngineSpec
from experiments.measuring.workload import workloads
from systems import registry
from systems.models.published import PUBLISHED, languages_of
from systems.models.shapes import SHAPES

REAL = EngineSpec(name="llama", model="SmolLM2", model_shape="smollm2:q4_0", model_sha256="0" * 64)
RANDOM = msgspec.structs.replace(REAL, model_shape="135m")


def planned(engine, **more):
    return plan.make(
        preset="quick",
        study_names=["isolation", "lazy-loading", "load", "memory"],
        system_names=["baseline", "asynchronous"],
        engine=engine,
        profile=profiles.load("4gb"),
        blocks=1,
        seed=0,
        **more,
    ).trials


def test_a_published_model_says_its_languages_and_random_weights_have_all():
    assert languages_of("smollm2") == languages_of("smollm2:q4_0") == ("English",)
    for shape in (*SHAPES, "135m:q8_0", None, "a/file.gguf"):
        assert "Chinese" in languages_of(shape)
    assert all(model.languages for model in PUBLISHED.values())
    assert PUBLISHED["e5-small"].languages_said == "English, Chinese and about a hundred more"


def test_every_study_asks_a_model_in_its_languages_and_no_model_in_both():
    trials = planned(REAL)
    asked_real = [spec for spec in trials if spec.engine is not None and spec.engine.model_shape == REAL.model_shape]
    studies = {spec.study for spec in asked_real if spec.workload == ENGLISH_WORKLOAD}
    assert studies == {"isolation", "lazy-loading", "load", "memory"}
    for spec in trials:
        real = spec in asked_real
        assert (spec.workload == ENGLISH_WORKLOAD) == real
        assert (languages.label(ENGLISH_WORKLOAD) in spec.labels) == real
    runs = [registry.engines.get(spec.engine.name).runs_a_model for spec in trials if spec.engine is not None]
    assert not all(runs), "other parts have no model"


def test_what_random_weights_are_asked_stays_and_so_do_the_keys_of_its_records():
    assert {spec.workload for spec in planned(RANDOM)} == {WORKLOAD}


@pytest.mark.parametrize("seed", range(3))
def test_users_who_all_speak_english_ask_no_question_twice(seed):
    said = workloads.get(ENGLISH_WORKLOAD)(seed, 20, 5)
    texts = [turn.text for turns in said for turn in turns]
    assert len(set(texts)) == 100
    assert all(
        turn.text.isascii() and turn.reply.isascii() and len(turn.reply) > 60 for turns in said for turn in turns
    )
    assert said == workloads.get(ENGLISH_WORKLOAD)(seed, 20, 5)
