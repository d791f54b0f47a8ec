"""How long a preset takes is said in the same words everywhere."""

from pathlib import Path

from typer.testing import CliRunner

from experiments.commands.cli import app
from experiments.commands.presets import ABOUT
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
