"""Figures of frameworks, and the README's paragraph: two conditions that no sentence mixes, from invented records."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from matplotlib.figure import Figure

from experiments import load_run
from experiments.analysis.run import Run
from experiments.measuring.records import Part, Record
from experiments.report import drawing, frameworks_line, headline
from experiments.report.drawing import Drawn
from experiments.report.figures import frameworks as figures
from experiments.report.figures._frameworks import look, spread, told
from experiments.report.scene import Scene, scene
from experiments.studies.frameworks import Frameworks
from experiments.workloads.framework_levels import LOOKED, WINDOWS, begins, ends
from tests.experiments.analysis import synthetic

SYSTEMS = (
    *("bare", "baseline", "asynchronous", "agent-framework", "agno"),
    *("crewai", "google-adk", "langgraph", "openai-agents", "pydantic-ai"),
)
NAMES = ("turns", "users", "start", "kills", "overflow", "recall", "cost_memory_remembered")
MIB = 2**20


def noted(part: str, system: str, block: int, condition: dict[str, Any], *parts: Part, **changes: Any) -> Record:
    condition = {"part": part, **condition}
    spec = synthetic.spec(
        Frameworks.name, system, block, condition=condition, system=system, engine=None, labels=("no model ran",)
    )
    return synthetic.record(spec, *parts, **changes)


def session(system: str, window: int, block: int) -> Record:
    """Return a session of nine turns, each of which takes ten milliseconds more than one of the system before."""
    turn_s = 0.01 * (SYSTEMS.index(system) + 1) * (1 + block / 50)
    at = dict(zip(LOOKED, (0.0, turn_s, 5 * turn_s, 8 * turn_s), strict=True))
    looks = {}
    for read, (mark, seconds) in enumerate(at.items()):  # what is read takes a second each time
        looks |= {ends(mark): synthetic.looked(seconds + read), begins(mark): synthetic.looked(seconds + read + 1)}
    values = {
        "turns": 9.0,
        "rss_bytes": 30.0 * MIB * (SYSTEMS.index(system) + 1),
        "disk_bytes": 1e5,
        "messages/last": 13.0 if window else 17.0,
    }
    series = {"prompt_messages": [float(min(2 * turn + 1, window + 1 if window else 99)) for turn in range(9)]}
    part = Part(role="subject", values=values, series=series, requests=[synthetic.row(0.01)])
    condition = {"window": window, "sessions": 1, "turns": 9}
    return noted("turns", system, block, condition, part, outside=synthetic.outside(looks=looks))


def records() -> Iterator[Record]:
    for system in SYSTEMS:
        for window in WINDOWS:
            for block in range(2):
                yield session(system, window, block)
            values = {"kept": 5.0 if window or system != "agno" else 3.0, "acknowledged": 5.0}
            yield noted("kills", system, 0, {"window": window, "end": "killed"}, Part(role="subject", values=values))
            lost = system == "crewai" or not window
            values = {"full_turns": 4.0, "full_answered": 4.0 - 3 * lost}
            values[f"overflow/{'refused' if lost else 'truncated'}"] = 1.0
            condition = {"window": window, "endpoint": "refuses"}
            yield noted("overflow", system, 0, condition, Part(role="subject", values=values))
            values = {"in_prompt": 0.1 if window else 0.3 if system == "agno" else 1.0, "right": 0.1}
            yield noted("recall", system, 0, {"window": window, "turns": 40}, Part(role="subject", values=values))
        values = {"start_s": 0.5, "idle_rss_bytes": 4e7}
        yield noted("start", system, 0, {"window": 12}, Part(role="subject", values=values))
        for users in (1, 50):
            rows = [synthetic.row(0.1 * (user + 1), user=user) for user in range(users)]
            condition = {"window": 12, "users": users}
            yield noted("users", system, 0, condition, Part(role="subject"), Part(role="client", requests=rows))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(synthetic.write(tmp_path_factory.mktemp("frameworks") / "run", list(records())))


@pytest.fixture(scope="module")
def shown(run: Run) -> Scene:
    return scene(run, Frameworks.name, Frameworks)


@pytest.fixture(scope="module")
def drawn(shown: Scene) -> dict[str, Drawn]:
    """Return every figure by name. Only the one of all three is drawn to its end, which takes most of the time."""
    modules = {name: importlib.import_module(f"{figures.__name__}.{name}") for name in NAMES}
    with drawing.style():
        found = modules.pop("cost_memory_remembered").draw(shown)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Figure, "get_layout_engine", lambda _: None)
            patch.setattr(Figure, "savefig", lambda *_, **__: None)
            found += [each for module in modules.values() for each in module.draw(shown)]
    return {each.name: each for each in found}


ONE_WINDOW, DEFAULTS = "with one window of 12 messages", "as each comes"


@pytest.mark.parametrize(
    ("name", "condition", "says"),
    [
        ("frameworks-turns", ONE_WINDOW, "10.1 ms (bare) to 101 ms (pydantic-ai)"),
        ("frameworks-prompts", DEFAULTS, "17.0 (bare)"),
        ("frameworks-users", ONE_WINDOW, "50 users at once"),
        ("frameworks-kills", ONE_WINDOW, "next prompt of 10 of 10 systems"),
        ("frameworks-overflow", ONE_WINDOW, "lost by 1 of 10 systems"),
        ("frameworks-recall-40", DEFAULTS, "in every prompt of 9 of 10 systems; of the others in 30 %"),
        ("frameworks-cost", DEFAULTS, "10.1 ms (bare) to 101 ms (pydantic-ai)"),
    ],
)
def test_a_title_is_of_one_condition_and_says_which(drawn, name, condition, says) -> None:
    title = drawn[name].title.replace("\N{NO-BREAK SPACE}", " ")
    assert condition in title
    assert says in title


def test_both_conditions_are_drawn(drawn) -> None:
    assert drawn["frameworks-kills"].data[0][1:] == tuple(f"after kill -9, {words}" for words in WINDOWS.values())
    assert ("agno", "100 %", "60 %") in drawn["frameworks-kills"].data
    [heading, *rows] = drawn["frameworks-overflow"].data
    assert len(heading) == 3
    assert ("crewai", "refused, the user is told", "refused, the user is told") in rows
    assert ("bare", "cut by the system, in silence", "refused, the user is told") in rows
    for name in ("frameworks-turns", "frameworks-recall-40", "frameworks-cost"):
        told = {row[:2] if row[0] in SYSTEMS else row[1::-1] for row in drawn[name].data[1:]}
        assert told == {(system, words) for system in SYSTEMS for words in WINDOWS.values()}


def test_a_mark_has_its_interval_in_all_three(drawn) -> None:
    [row] = [row for row in drawn["frameworks-cost"].data if row[:2] == ("as each comes", "agno")]
    assert [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row[2:]] == [
        "50.5 (50.0 … 51.0)",
        "150 (150 … 150)",
        "30.0 (30.0 … 30.0)",
    ]


def test_no_two_systems_look_alike(shown) -> None:
    looks = {(marks["color"], marks["marker"]) for marks in (look(shown, system) for system in SYSTEMS)}
    assert len(looks) == len(SYSTEMS) > len(drawing.PALETTE)


def test_names_are_moved_apart_and_stay_below_the_top() -> None:
    assert spread([0.1, 0.11, 0.12, 0.9], 0.05, 0.97) == pytest.approx([0.1, 0.15, 0.2, 0.9])
    assert spread([0.9, 0.95, 0.96], 0.05, 0.97) == pytest.approx([0.87, 0.92, 0.97])
    assert spread([], 0.05, 0.97) == []


def test_the_readme_s_paragraph_is_of_the_records_and_of_nothing_where_there_are_none(run, tmp_path: Path) -> None:
    said = frameworks_line.section(run).replace("\N{NO-BREAK SPACE}", " ")
    assert "on average 10.1 ms of processor time with a bare client" in said
    assert "40.4 ms (agent-framework) to 101 ms (pydantic-ai) with the 7 frameworks" in said
    assert "they hold 120 MiB (agent-framework) to 300 MiB (pydantic-ai), the bare client 30.0 MiB" in said
    assert "in the prompts of 30 % (agno) to 100 % (agent-framework) of the questions" in said
    assert "(results/reference/figures/frameworks-cost.svg)" in said
    page = "a\n<!-- begin: frameworks, generated from results/reference -->\n<!-- end: generated -->\nb\n"
    assert said in headline.readme(page, run).replace("\N{NO-BREAK SPACE}", " ")

    start = [record for record in records() if record.spec.condition["part"] == "start"]
    without = load_run(synthetic.write(tmp_path / "run", start))
    assert headline.readme(headline.readme(page, run), without) == page


def test_a_title_is_of_systems_and_not_of_their_variants(tmp_path) -> None:
    least = session("bare", 12, 0)
    in_process = session("bare", 12, 1)
    in_process = msgspec.structs.replace(
        in_process,
        spec=msgspec.structs.replace(in_process.spec, subject="bare-in-process", variant="in-process", block=0),
        parts=[msgspec.structs.replace(part, values={**part.values, "rss_bytes": MIB}) for part in least.parts],
        outside=least.outside,
    )
    records = [session("langgraph", 12, 0), least, in_process]
    shown = scene(load_run(synthetic.write(tmp_path / "run", records)), Frameworks.name, Frameworks)
    said = told(shown.measured("system_memory"), shown, "bytes").replace("\N{NO-BREAK SPACE}", " ")
    assert "(bare) to" in said
    assert "in-process" not in said
