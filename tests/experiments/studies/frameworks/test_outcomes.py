"""A framework that cannot be run is a reason in the plan, and the others are measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from experiments.measuring import code, plan
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec
from experiments.studies.frameworks import Frameworks
from systems.errors import BadInput
from systems.frameworks import environments, folders
from systems.frameworks.environments import Environment
from tests.systems.frameworks import making


@pytest.fixture
def _installed_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let agno have an interpreter that has none of what it requires: it dies when it is imported."""
    making.own_places(tmp_path, monkeypatch)
    place = environments.place(folders.get("agno"))
    environments.python_in(place).parent.mkdir(parents=True)
    environments.python_in(place).symlink_to(sys.executable)
    made = Environment(
        python="3.11.0", installer="none", packages={"agno": "1.2.3"}, size_bytes=0, took_s=0.0, made="2000-01-01"
    )
    (place / environments.NOTE).write_bytes(msgspec.json.encode(made))
    for cached in (code._of_system, code.fault):
        cached.cache_clear()
    yield
    for cached in (code._of_system, code.fault):
        cached.cache_clear()


def planned(*systems: str, study: str = Frameworks.name) -> plan.Plan:
    return plan.make(
        preset="standard" if study == Frameworks.name else "smoke",
        study_names=(study,),
        system_names=systems,
        engine=EngineSpec(name="simulated"),
        profile=load("4gb"),
        blocks=1,
        seed=1,
        part="start" if study == Frameworks.name else None,
    )


@pytest.mark.usefixtures("_installed_without_its_package")
def test_one_that_dies_at_import_is_skipped_with_its_words_and_the_others_are_measured() -> None:
    made = planned("baseline", "asynchronous")
    reasons = {each.subject: each.reason for each in made.skipped}

    assert reasons["agno"] == (
        "The system 'agno' cannot be imported by its interpreter: ModuleNotFoundError: No module named 'agno'"
    )
    assert reasons["crewai"] == "crewai: it is not installed: `fourgig systems install crewai`"
    assert {trial.system for trial in made.trials} == {"baseline", "asynchronous"}


@pytest.mark.usefixtures("_installed_without_its_package")
def test_who_names_it_is_told_before_the_run() -> None:
    with pytest.raises(BadInput, match="No module named 'agno'"):
        planned("baseline", "agno", study="load")
