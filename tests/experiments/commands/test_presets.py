"""How long a preset takes is said in the same words everywhere."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.commands import planning
from experiments.commands.asking import Asked
from experiments.commands.cli import app
from experiments.commands.presets import ABOUT
from experiments.measuring import plan, profiles, requirements
from experiments.measuring.records import WORKLOAD, EngineSpec
from experiments.measuring.study import BLOCKS, studies

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("page", "preset"), [("README.md", "quick"), ("docs/artifact.md", "quick"), ("docs/artifact.md", "standard")]
)
def test_pages_that_a_newcomer_follows_say_how_long_a_preset_takes(page, preset):
    words = " ".join((ROOT / page).read_text("utf-8").split())
    assert ABOUT[preset].lasts in words


def test_the_documented_table_is_the_one_in_the_code():
    page = (ROOT / "docs" / "command.md").read_text("utf-8")
    for name, blocks in BLOCKS.items():
        assert f"| `{name}` | {blocks} | {ABOUT[name].lasts} | {ABOUT[name].purpose} |" in page


def test_the_help_says_it_too():
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "400"}).stdout
    assert ABOUT["quick"].lasts in " ".join(shown.split())


def asked(*names, preset="quick"):
    return Asked(
        preset=preset,
        studies=names,
        systems=("baseline", "asynchronous"),
        profile=profiles.load("4gb"),
        blocks=BLOCKS[preset],
        seed=0,
        engine=EngineSpec(name="llama"),
        model=None,
        settings={},
        part=None,
        only={},
        workload=WORKLOAD,
    )


@pytest.fixture(scope="module")
def quick():
    """The preset quick of all studies, as on a machine that has everything they ask for."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(requirements, "lacking", lambda _: "")
        return planning.draft(asked(*studies.names()), None).plan


def test_all_of_quick_ends_within_ten_minutes(quick):
    """At the pace of the committed reference run, whatever is installed; a slower machine may take twice as long."""
    assert ABOUT["quick"].lasts == "ten to twenty minutes"
    assert 5 * 60 < sum(quick.seconds) <= 10 * 60


# Parts that are asked for in longer presets alone: what takes many users, many turns or many tries.
LONGER = {"load": {"engines", "search"}, "memory": {"natural-own-words"}}


@pytest.mark.parametrize("study", studies.names())
def test_quick_has_trials_of_every_part_of_every_study(study):
    shapes = {name: EngineSpec(name="llama", model=name) for name in plan.shapes_needed([study], "quick")}
    cells = plan.grid(study, "quick", ("baseline", "asynchronous"), EngineSpec(name="llama", model="tiny"), shapes)
    assert {cell.part for cell in cells} == set(studies.get(study).parts) - LONGER.get(study, set())


def test_a_study_alone_is_expected_to_take_as_long_as_among_the_others(quick):
    alone = planning.draft(asked("isolation"), None)
    assert alone.pace == "at the pace of the reference run"
    among = {spec.key: seconds for spec, seconds in zip(quick.trials, quick.seconds, strict=True)}
    assert [among[spec.key] for spec in alone.plan.trials] == list(alone.plan.seconds)


@pytest.mark.parametrize(("study", "without", "minutes"), [("load", "", 40), ("density", "agents", 25)])
def test_standard_of_the_longest_studies_is_bounded(study, without, minutes, monkeypatch):
    """At the pace of the reference, whatever is installed: of `density` what is besides the search for live agents."""
    monkeypatch.setattr(requirements, "lacking", lambda _: "")
    made = planning.draft(asked(study, preset="standard"), None).plan
    took = sum(
        seconds
        for spec, seconds in zip(made.trials, made.seconds, strict=True)
        if spec.condition.get("part") != without
    )
    assert took <= 60 * minutes
