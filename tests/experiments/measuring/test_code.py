"""Which code a trial's numbers depend on: an edit changes the version of the trials it concerns, and of no other."""

import ast
from pathlib import Path

import pytest

from experiments.measuring import code
from experiments.measuring.study import studies
from systems.frameworks import environments
from tests.experiments.analysis import synthetic

ROOT = Path(code.__file__).parents[2]


@pytest.fixture
def versions(monkeypatch):
    """Return the versions of trials as they would be if ``edited``, a file of the lab, had one more line."""

    def forget():
        for known in (code._shared, code._of_system, code._of_study):
            known.cache_clear()

    def versions_with(edited):
        read = Path.read_bytes
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda path: read(path) + (b"\n" if path == ROOT / edited else b""))
            forget()
            made = {
                (system, study): code.version(system, study)
                for system in (None, "baseline", "asynchronous")
                for study in ("lazy-loading", "load")
            }
        forget()
        return made

    return versions_with


def changed(versions, edited):
    before, after = versions("nothing"), versions(edited)
    return {trial for trial, version in before.items() if after[trial] != version}


def test_an_edit_of_an_agent_concerns_its_own_trials_and_those_of_components_that_load_it(versions):
    assert changed(versions, "systems/baseline/agent.py") == {("baseline", "lazy-loading"), ("baseline", "load")}
    assert changed(versions, "systems/asynchronous/settings.py") == {
        ("asynchronous", "lazy-loading"),
        ("asynchronous", "load"),
        (None, "lazy-loading"),
    }


def test_an_edit_of_a_study_concerns_its_own_trials(versions):
    assert {study for _, study in changed(versions, "experiments/studies/load/users.py")} == {"load"}


@pytest.mark.parametrize(
    "shared", ["systems/mechanisms/caches.py", "systems/answering/pipeline.py", "experiments/metrics/objective.py"]
)
def test_an_edit_of_what_all_share_concerns_every_trial(versions, shared):
    assert len(changed(versions, shared)) == 6


@pytest.mark.parametrize("apart", ["experiments/report/build.py", "experiments/metrics/latency.py"])
def test_an_edit_of_what_only_reads_records_concerns_none(versions, apart):
    assert changed(versions, apart) == set()


def test_the_metrics_that_a_study_works_by_are_part_of_the_code():
    used = set()
    for path in (ROOT / "experiments" / "studies").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments.metrics."):
                used.add(f"{node.module.replace('.', '/').removeprefix('experiments/')}.py")
    assert used == set(code._METRICS_OF_STUDIES)


def test_the_code_of_a_run_holds_the_agents_that_its_studies_load(monkeypatch):
    before = code.version_of_run(["baseline"], ["lazy-loading"])
    monkeypatch.setattr(studies.get("lazy-loading"), "loads", ())
    assert code.version_of_run(["baseline"], ["lazy-loading"]) != before


def test_a_run_tells_the_packages_of_a_framework_that_is_tried_and_what_they_take(monkeypatch):
    made = environments.Environment(
        python="3.12.1", installer="uv", packages={"one": "1.0"}, size_bytes=5_000, took_s=1.0, made="2026-01-01"
    )
    monkeypatch.setattr(environments, "found", lambda _: made)
    trial = synthetic.spec("frameworks", "bare", system="bare", engine=None)
    found = code.outside(["baseline"], [trial])
    assert found["outside.bare with"] == "Python 3.12.1, one 1.0"
    assert found["outside.bare bytes"] == "5000"
    assert not any("bare" in name for name in code.outside(["baseline"], []))
