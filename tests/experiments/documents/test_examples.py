"""The code that README and CONTRIBUTING print is whole, and works when it is pasted."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from experiments.measuring import records
from experiments.measuring.records import Outcome
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from tests.experiments.conftest import FOURGIG
from tests.experiments.notes_system import Notes, NotesSettings

ROOT = Path(__file__).parents[3]
SIMULATED = ("--preset", "smoke", "--engine", "simulated")


def blocks(page: str) -> list[str]:
    """Return the blocks of Python on a page."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def measured(folder: Path, system: str) -> set[Outcome]:
    """Return how the trials of ``system`` ended."""
    return {record.outcome for record in records.read(folder / "trials.jsonl") if record.spec.system == system}


def test_the_agent_of_the_readme_works_as_it_is_pasted(enforcement, tmp_path):
    [agent] = blocks("README.md")
    (tmp_path / "my_agent.py").write_text(agent)
    arguments = ["--systems", "my_agent:Mine", *SIMULATED, "--out", str(tmp_path / "run"), *enforcement]
    # A command of its own: where Python looks for modules is settled when it starts.
    done = subprocess.run(
        [FOURGIG, "run", "lazy-loading", *arguments],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert measured(tmp_path / "run", "my_agent:Mine") == {Outcome.OK}


@pytest.mark.parametrize("name", ["notes_system", "notes_description"])
def test_the_agent_that_contributing_prints_is_the_one_that_the_tests_run(name):
    assert (ROOT / f"tests/experiments/{name}.py").read_text() in blocks("CONTRIBUTING.md")


def test_the_service_that_contributing_prints_is_one_that_the_tests_run():
    printed = re.search(r"^   ```python\n(   class .*?)^   ```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
    assert textwrap.dedent(printed[1]) in (ROOT / "tests/experiments/service_study.py").read_text()


def test_a_described_agent_has_rungs_and_variants(fourgig):
    chosen = ("--systems", "baseline,notes", "--only", "system=notes", "--preset", "standard", "--engine", "simulated")
    shown = fourgig("run", "load", "memory", *chosen, "--dry-run", "--allow-unenforced")
    assert shown.returncode == 0, shown.stderr
    rows = [line for line in shown.stdout.splitlines() if "of=notes" in line]
    assert {row.split("│")[3].strip() for row in rows} == {"none", "none+history", "all", "all-history"}
    assert "notes-unpruned" in shown.stdout


@pytest.mark.long
def test_a_study_an_agent_and_a_workload_from_another_package(fourgig, enforcement, tmp_path):
    out = tmp_path / "run"
    chosen = ("--systems", "echo,notes", "--workload", "shop")
    done = fourgig("run", "long-questions", *chosen, *SIMULATED, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.spec.workload for record in found} == {"shop"}
    # Every call of the model was one that the workload had planned.
    assert not any("unplanned_calls" in part.counters for record in found for part in record.parts)
    assert measured(out, "notes") == measured(out, "echo") == {Outcome.OK}
    assert "How much longer does an agent take" in (out / "report.html").read_text()


class Listening(SimulatedEngine):
    """Keeps what it was last asked."""

    def generate(self, call):
        self.asked = [message.content for message in call.messages]
        return super().generate(call)


async def test_the_agent_with_a_memory_remembers_its_own_session_after_a_restart(tmp_path):
    async def tell(*turns):
        engine = Listening(SimulatedSettings())
        agent = Notes(NotesSettings(exchanges=2), engine, tmp_path)
        await agent.start()
        replies = [await agent.answer(Request(id=text, session=session, text=text)) for session, text in turns]
        await agent.close()
        return engine.asked, [reply.text for reply in replies]

    _, (first, second, _, third) = await tell(("vera", "one"), ("vera", "two"), ("paul", "other"), ("vera", "three"))
    asked, _ = await tell(("vera", "four"))
    assert asked == ["You are brief.", "two", second, "three", third, "four"]
    assert first not in asked
