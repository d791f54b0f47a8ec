"""Every number of a page is a result that a record holds, or is declared; what holds no more is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.report.paper.numbers import NoRecord
from systems.errors import BadInput
from tests.experiments.documents import ci

numbers = ci.check("check_numbers")

PAGE = """# A page

It answers 83.7 % of the questions, asked of 50 users
in 4 GB, and ten times as [many](pages/3.md) in `7` words of SmolLM2.

<!-- begin: generated -->
12
<!-- end: generated -->

1. `one` is the first.

## Settings

At most 9 are kept.

### Deeper

8 of them.

## After

Nothing.

## The ways

6 of them.
"""
DECLARED = """
[everywhere]
"4 GB" = "the profile"

[pages."README.md"]
results = [
  { says = "answers 83.7 % of the questions", record = "results/right.txt", at = ['^right ([\\d.]+)'], times = 100.0 },
]
typed = { "50 users" = "a condition", "ten times as many" = "a manner of speaking" }

[pages."README.md".sections]
"Settings" = { why = "what can be set", numbers = "9" }
"Deeper" = { why = "what can be set", numbers = "8" }
"The ways" = { why = "settings", numbers = "6" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("docs", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "README.md").write_text(PAGE)
    (tmp_path / "results" / "right.txt").write_text("2 × AMD EPYC\nright 0.83684 of all\n")
    (tmp_path / numbers.DECLARED).write_text(DECLARED)
    return tmp_path


def changed(root: Path, name: str, old: str, new: str) -> list[str]:
    """Return the faults after a change in a file."""
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))
    found: list[str] = numbers.faults(root, {})
    return found


def test_a_page_whose_numbers_are_declared_is_in_order(root: Path) -> None:
    assert numbers.faults(root, {}) == []


def test_a_deleted_record_makes_it_fail(root: Path) -> None:
    (root / "results" / "right.txt").unlink()
    [fault] = numbers.faults(root, {})
    assert fault.startswith("README.md: “answers 83.7 % of the questions” has no record: ")


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("results/right.txt", "0.83684", "0.84", "says 83.7, and the record 84"),
        ("results/right.txt", "right 0.83684", "wrong", "0 times, and must be once"),
        ("README.md", "83.7 % of the questions", "83.9 % of the questions", "is declared and stands there no more"),
        ("README.md", "Nothing.", "Nothing but 17 more.", "line 22: 17 is not declared"),
        ("README.md", "Nothing.", "Nothing, twice.", "line 22: twice is not declared"),
        ("README.md", "asked of 50 users", "asked of users", "“50 users” is declared and stands there no more"),
        ("README.md", "## Settings", "## Options", "there is no heading “Settings”"),
        ("README.md", "At most 9", "At most 10", "under “Settings” stand 10, and declared are 9"),
        ("README.md", "are kept.", "are kept, 83.7 %.", "under “Settings” stand 9 83.7, and declared are 9"),
        ("README.md", "At most 9", "Some", "under “Settings” stand none, and declared are 9"),
        ("README.md", "Nothing.", "Nothing for 50 users.", "“50 users” stands there 2 times"),
        ("README.md", "## After", "## After 5", "line 20: 5 is not declared"),
        ("docs/numbers.toml", "times = 100.0", "times = 1.0", "says 83.7, and the record 0.83684"),
        ("docs/numbers.toml", "at = ['^right ([\\d.]+)']", "at = ['^right ([\\d.]+)', 'EP']", ""),
        ("docs/numbers.toml", 'record = "results/right.txt"', 'run = ["x"], record = "results/right.txt"', "not both"),
    ],
)
def test_what_does_not_hold_is_named(root: Path, name: str, old: str, new: str, why: str) -> None:
    found = changed(root, name, old, new)
    assert any(why in fault for fault in found) if why else not found, found


def test_a_result_may_be_a_number_of_the_reference_run(root: Path) -> None:
    path = root / numbers.DECLARED
    path.write_text(
        path.read_text().replace("record = \"results/right.txt\", at = ['^right ([\\d.]+)']", 'run = ["x.y"]')
    )
    assert numbers.faults(root, {"x.y": "×\u00a00.8371"}) == []
    [fault] = numbers.faults(root, {})
    assert "has no record: 'x.y'" in fault

    class Lacking(dict[str, str]):
        def __missing__(self, name: str) -> str:
            raise NoRecord(f"{name} needs trials that the run has none of")

    [fault] = numbers.faults(root, Lacking())
    assert "x.y needs trials" in fault


TABLE = """study,condition,metric,subject,reference,blocks,geometric_mean
load,"users=5, work=sleep",total_time,threads,serial,6,0.25
load,"users=50, work=sleep",total_time,threads,serial,6,0.7532
"""


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("work=sleep, users=5 | threads over serial | total_time | geometric_mean", ""),
        ("users=50 | threads over serial | total_time | geometric_mean", "says 75.0, and the record 24.68"),
        ("work=sleep | threads over serial | total_time | geometric_mean", "is 2 rows of results/table.csv"),
        ("users=5 | threads over none | total_time | geometric_mean", "is 0 rows of results/table.csv"),
        ("users=5 | threads over serial | total_time | median", "has no record: 'median'"),
        ("users=5 | threads", "has no record: "),
    ],
)
def test_a_result_may_be_a_cell_of_a_table(root: Path, cell: str, why: str) -> None:
    (root / "results" / "table.csv").write_text(TABLE)
    (root / "README.md").write_text("Threads save 75.0 % of the time.\n")
    result = f'says = "save 75.0 %", record = "results/table.csv", cells = ["{cell}"], times = -100.0, plus = 100.0'
    (root / numbers.DECLARED).write_text(f'[pages."README.md"]\nresults = [{{ {result} }}]\n')
    found = numbers.faults(root, {})
    assert [why in fault for fault in found] == [True] if why else found == []


def test_words_within_longer_ones_are_theirs(root: Path) -> None:
    path = root / numbers.DECLARED
    (root / "README.md").write_text("Of 50 users, and of 50 users at once.\n")
    typed = 'typed = { "50 users" = "one", "50 users at once" = "two" }'
    declared = f'[pages."README.md"]\n{typed}\n'
    path.write_text(declared)
    assert numbers.faults(root, {}) == []
    path.write_text(declared.replace('"50 users" = "one", ', ""))
    assert numbers.faults(root, {}) == ["README.md: line 1: 50 is not declared"]


RATIOS = """run,study,condition,metric,subject,reference,geometric_mean,low,high,robust_low,robust_high
a,load,"part=pool, users=5",wait,pool,none,0.25,0.2,0.31,0.19,0.3
b,load,"part=pool, users=50",wait,pool,none,0.7532,0.7,0.8,0.72,0.9
"""
MEASURES = """study,condition,subject,metric,unit,median
load,"part=pool, users=5",pool,wait,s,0.01346
load,"part=other, users=5",pool,wait,s,13461
"""


@pytest.mark.parametrize(
    ("words", "cells", "why"),
    [
        ("5 users wait 13.5 ms", ["= 5", "users=5 | pool | wait | median | ms"], ""),
        (
            "5 users wait 13.5 s",
            ["= 5", "users=5 | pool | wait | median | ms"],
            "is in ms, and the page does not say so",
        ),
        ("6 users wait 13.5 ms", ["= 5", "users=5 | pool | wait | median | ms"], "says 6, and the record 5"),
        ("× 0.25 (0.20 … 0.31)", ["users=5 | pool over none | wait | interval"], ""),
        ("× 0.25 (0.19 … 0.31)", ["users=5 | pool over none | wait | interval"], "says 0.19, and the record 0.2"),
        ("× 0.25 (0.19 … 0.31)", ["users=5 | pool over none | wait | wider"], ""),
        ("24.7 % less (10.0 … 30.0)", ["users=50 | pool over none | wait | wider | % less"], ""),
        ("−24.7 %", ["users=50 | pool over none | wait | geometric_mean | % more"], ""),
        ("13.5 ms", [" | pool | wait | median | ms"], ""),
        ("× 0.25", [" | pool over none | wait | geometric_mean"], "is 2 rows of the tables of load"),
        ("13.5 ms", ["users=5 | pool | wait | median | hours"], "has no record: "),
    ],
)
def test_a_page_may_name_the_tables_that_its_numbers_are_in(root: Path, words: str, cells: list[str], why: str) -> None:
    tables = root / numbers.TABLES
    tables.mkdir(parents=True)
    (tables / "load-ratios.csv").write_text(RATIOS)
    (tables / "load-again-measures.csv").write_text(MEASURES)
    (root / "README.md").write_text(f"It is so: {words}.\n")
    (root / numbers.DECLARED).write_text(
        '[pages."README.md"]\nstudy = "load"\nfactors = "part=pool"\n'
        f'results = [{{ says = "{words}", cells = {cells} }}]\n'.replace("'", '"')
    )
    found = numbers.faults(root, {})
    assert [why in fault for fault in found] == [True] if why else found == []


@pytest.mark.parametrize(
    ("said", "held", "alike"),
    [
        ("13,500", 13_461, True),
        ("13,500", 13_561, False),
        ("1,220", 1_222.9, True),
        ("500", 501, False),
        ("0.30", 0.304, True),
    ],
)
def test_a_page_rounds_to_the_digits_that_it_gives_of_thousands_to_three(said: str, held: float, alike: bool) -> None:
    assert numbers._alike(said, held) is alike


@pytest.mark.parametrize("text", ["[", "[pages.a]\nresult = []\n", 'not_covered = ["docs/other.md"]\n[pages]\n'])
def test_a_malformed_declaration_is_one_sentence(root: Path, text: str) -> None:
    (root / numbers.DECLARED).write_text(text)
    with pytest.raises(BadInput, match=r"numbers\.toml cannot be read"):
        numbers.faults(root, {})


@pytest.mark.parametrize("name", ["docs/other.md", "docs/deep/other.md"])
def test_a_page_without_a_declaration_is_refused(root: Path, name: str) -> None:
    page = root / name
    page.parent.mkdir(exist_ok=True)
    page.write_text("It has no number.\n")
    assert numbers.faults(root, {}) == [f"{name}: {numbers.DECLARED} does not declare its numbers"]
