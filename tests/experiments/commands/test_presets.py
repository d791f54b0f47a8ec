"""How long a preset takes is said in the same words everywhere."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.commands import planning
from experiments.commands.asking import Asked
from experiments.commands.cli import app
from experiments.commands.presets import ABOUT
from experiments.measuring import profiles
from experiments.measuring.records import WORKLOAD, EngineSpec
from experiments.measuring.study import BLOCKS

ROOT = Path(__file__).parents[3]


def test_the_readme_says_how_long_quick_takes():
    words = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert ABOUT["quick"].lasts in words


def test_the_documented_table_is_the_one_in_the_code():
    page = (ROOT / "docs" / "command.md").read_text("utf-8")
    for name, blocks in BLOCKS.items():
        assert f"| `{name}` | {blocks} | {ABOUT[name].lasts} | {ABOUT[name].purpose} |" in page


def test_the_help_says_it_too():
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "400"}).stdout
    assert ABOUT["quick"].lasts in " ".join(shown.split())


def asked(*studies):
    return Asked(
        preset="quick",
        studies=studies,
        systems=("baseline", "asynchronous"),
        profile=profiles.load("4gb"),
        blocks=BLOCKS["quick"],
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
    return planning.draft(
        asked("isolation", "lazy-loading", "memory", "load", "density", "research", "strategies"), None
    ).plan


def test_the_estimate_agrees_with_the_words(quick):
    """At the pace of the committed reference run, quick ends within what the words say."""
    least, most = 8 * 60, 20.5 * 60
    assert ABOUT["quick"].lasts == "eight to twenty minutes"
    assert least <= sum(quick.seconds) <= most


def test_a_study_alone_is_expected_to_take_as_long_as_among_the_others(quick):
    alone = planning.draft(asked("isolation"), None)
    assert alone.pace == "at the pace of the reference run"
    among = {spec.key: seconds for spec, seconds in zip(quick.trials, quick.seconds, strict=True)}
    assert [among[spec.key] for spec in alone.plan.trials] == list(alone.plan.seconds)
