"""What pages, and comments in the code, name is there: files, headings, modules, tests, the options of commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import typer
from typer.core import TyperGroup

from experiments.commands.cli import app

ROOT = Path(__file__).parents[3]
FOLDERS = "docs|experiments|notebooks|paper|systems|tests"  # what a run writes into results/ is not there beforehand

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*\w/?")
MODULE = re.compile(r"(?<![\w/.-])(?:experiments|systems|tests)(?:\.\w+)+")
TEST = re.compile(r"`(test_\w+)`")

PAGES = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "paper/README.md", ROOT / "results/README.md")
)
NOTEBOOKS = sorted(path.relative_to(ROOT) for path in ROOT.glob("notebooks/*.ipynb"))
OTHERS = [Path(name) for name in ("noxfile.py", ".ci/run", "paper/numbers.toml", "paper/claims.toml")]

pages = pytest.mark.parametrize("page", PAGES, ids=str)


@cache
def read(page: Path) -> str:
    """Return a page's text, of a notebook that of its cells."""
    if page.suffix != ".ipynb":
        return (ROOT / page).read_text()
    notebook = nbformat.read(ROOT / page, as_version=4)  # type: ignore[no-untyped-call]
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def anchors(page: Path) -> set[str]:
    """Return the names that the headings of a page get, as GitHub makes them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.*)$", FENCE.sub("", read(page)), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        found.add(re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=str)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", read(page))):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name if name else ROOT / page).resolve()
        if not path.exists() or (anchor and anchor not in anchors(path.relative_to(ROOT))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS, *OTHERS], ids=str)
def test_every_path_that_is_named_is_there(page: Path) -> None:
    # A link's target counts from its own page.
    text = LINK.sub("](", read(page))
    assert sorted({name for name in PATH.findall(text) if not (ROOT / name).exists()}) == []


def test_every_path_and_module_that_the_code_names_is_there() -> None:
    sources = [
        path.relative_to(ROOT) for folder in ("systems", "experiments") for path in (ROOT / folder).rglob("*.py")
    ]
    paths = {(str(page), name) for page in sources for name in PATH.findall(read(page)) if not (ROOT / name).exists()}
    modules = {(str(page), name) for page in sources for name in MODULE.findall(read(page)) if not is_there(name)}
    assert sorted(paths | modules) == []


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=str)
def test_every_module_and_what_is_named_of_it_is_there(page: Path) -> None:
    assert sorted({name for name in MODULE.findall(read(page)) if not is_there(name)}) == []


@cache
def is_there(dotted: str) -> bool:
    """Return whether ``dotted`` is a module, a package, or something that one of them defines or every module has."""
    place, rest = ROOT, dotted.split(".")
    while rest and (place / rest[0]).is_dir():
        place = place / rest.pop(0)
    if rest and (place / f"{rest[0]}.py").exists():
        source = (place / f"{rest.pop(0)}.py").read_text()
    else:
        source = (place / "__init__.py").read_text()
    return (
        not rest
        or rest[0].startswith("__")
        or bool(re.search(rf"^\s*(?:(?:async )?def |class |)?{rest[0]}\b", source, re.MULTILINE))
    )


@cache
def all_tests() -> str:
    """Return the text of every test."""
    return "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@cache
def fourgig() -> Any:
    """Return the command with all its own."""
    return typer.main.get_command(app)


@pages
def test_every_test_that_is_named_is_there(page: Path) -> None:
    tests = all_tests()
    assert [name for name in TEST.findall(read(page)) if f"def {name}(" not in tests] == []


def printed(page: Path) -> Iterator[list[str]]:
    """Yield the words that follow ``fourgig`` in each printed command."""
    for kind, text in FENCE.findall(read(page)):
        whole = text.replace("\\\n", " ") if kind == "console" else ""
        for line in re.findall(r"^\$ (.*)$", whole, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if "fourgig" in words and "&&" not in words:
                yield words[words.index("fourgig") + 1 :]


@pages
def test_every_printed_command_has_the_options_it_is_printed_with(page: Path) -> None:
    for words in printed(page):
        command = fourgig()
        while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
            command = command.commands[words.pop(0)]
        # Raises for an option that is not there, or that lacks its value.
        command.make_parser(command.context_class(command)).parse_args(list(words))


@pytest.mark.parametrize("name", ["run", "compare", "doctor"])
def test_the_page_of_the_command_names_every_option(name: str) -> None:
    command = fourgig().commands[name]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert sorted(option for option in options if f"`{option}" not in read(Path("docs/command.md"))) == []
