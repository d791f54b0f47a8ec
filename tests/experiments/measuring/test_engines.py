"""The engine of a trial, made of what its record says."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.measuring import engines
from experiments.measuring.records import EngineSpec, Scalar
from systems.engines.interface import Call, Message


@pytest.mark.parametrize(("settings", "seed", "like"), [({}, 7, 7), ({"sampling.seed": 5}, 7, 5)])
def test_an_engine_samples_from_the_trials_seed_where_it_is_told_none(
    settings: dict[str, Scalar], seed: int, like: int, tiny_model: Path
) -> None:
    def said(own: dict[str, Scalar], drawn: int) -> str:
        spec = EngineSpec(name="llama", settings={"sampling.temperature": 5.0, "context_tokens": 256, **own})
        engine = engines.make(spec, str(tiny_model), 1, seed=drawn)
        engine.load()
        try:
            return engine.generate(Call(messages=[Message("user", "Hello")], max_tokens=24)).text
        finally:
            engine.close()

    assert said(settings, seed) == said({}, like)
    assert said(settings, seed) != said({}, 6)
