"""A trial never calibrates; what its run chose stands in its engine's settings, and what a person set wins."""

from __future__ import annotations

import pytest

from experiments.measuring import engines
from experiments.measuring.calibrating import applied
from experiments.measuring.profiles import Profile
from experiments.measuring.records import Calibrated, EngineSpec, TrialSpec

SETTINGS = {"threads": 1}
PROFILE = Profile(name="4gb", description="", memory_bytes=4 * 2**30, swap_bytes=0, cpus=2)


@pytest.mark.parametrize("name", ["llama", "batched"])
def test_an_engine_of_a_trial_does_not_calibrate(name: str) -> None:
    made = engines.make(EngineSpec(name=name, settings={"calibrate": True}), "model.gguf", 2, seed=0)
    assert made._settings.calibrate is False  # type: ignore[attr-defined]


def test_the_trials_say_what_was_chosen_and_what_was_set_stays() -> None:
    engine = EngineSpec(name="llama", model_sha256="a", settings=dict(SETTINGS))
    spec = TrialSpec(
        study="s", condition={}, subject="x", engine=engine, profile=PROFILE, block=0, seed=0, timeout_s=1.0,
        code_version="1",
    )  # fmt: skip
    chosen = Calibrated(
        engine="llama",
        model_sha256="a",
        settings=dict(SETTINGS),
        cpus=2,
        chosen={"flash_attention": True, "threads": 2},
    )
    (found,) = applied([spec], [chosen])
    assert found.engine is not None
    assert found.engine.settings == {"flash_attention": True, "threads": 1}
