"""Fail where a page of prose has a number that no record holds, or that is not declared.

``docs/numbers.toml`` says of each page what its numbers are: a result, with the record that holds it; or a setting, a
published figure, a piece of history, each with the reason. Each is declared where it stands: words that are found once
on the page, or every number under a heading in its order. What stands between the marks of a generated section, in code
and in links is left out: other checks hold those.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path

import msgspec

from experiments.analysis.run import load_run
from experiments.report.paper import declared
from experiments.report.paper.build import SOURCE
from experiments.report.paper.declared import DeclaredLevel
from experiments.report.paper.numbers import NoRecord, Numbers, PartNotMeasured
from experiments.report.paper.source import NUMBERS_IN_WORDS, blanked, phrases
from systems.errors import BadInput, UnknownName

ROOT = Path(__file__).resolve().parents[1]
DECLARED = "docs/numbers.toml"
TABLES = "results/reference/tables"

_GENERATED = re.compile(r"<!-- begin: .*?<!-- end: generated -->", re.DOTALL)
_LEFT_OUT = (
    _GENERATED,
    re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL),
    re.compile(r"`[^`\n]*(?:\n[^`\n]*)?`"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"!?\[(?=[^\]]*\]\()"),  # a link's words count, its brackets and its target do not
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"\*+"),
    re.compile(r"^\s*\d+\.(?=\s)", re.MULTILINE),  # the numbers of a list
)
# A number, and not a part of a name such as SmolLM2 or e5-small.
_NUMBER = re.compile(r"(?<![\w.])(?<![^\W\d][-−])[−-]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_IN_RECORD = re.compile(r"[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


_UNITS = {
    "": (1.0, 0.0),
    "µs": (1e6, 0.0),
    "ms": (1e3, 0.0),
    "kB": (1e-3, 0.0),
    "KB": (1e-3, 0.0),
    "MB": (1e-6, 0.0),
    "GB": (1e-9, 0.0),
    "KiB": (2.0**-10, 0.0),
    "MiB": (2.0**-20, 0.0),
    "%": (100.0, 0.0),
    "% more": (100.0, -100.0),
    "% less": (-100.0, 100.0),
}
"""What a page may give a number of a table in: with what seconds, bytes or shares are multiplied, what is added."""
_INTERVALS = {"interval": ("",), "wider": ("", "robust_")}
_VERDICT = "verdict"


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that stand once on a page, and whose numbers a record holds, one after the other.

    ``run`` names numbers of the reference run, as the paper's text does. Or ``record`` is a file and ``at`` are
    patterns, each of which is found in it once and whose groups are the numbers. Or ``cells`` are numbers of a table of
    a report: of the table ``record``, or of those that the page names. Each is “factors | subject | metric | column |
    unit”, of a ratio “subject over reference”; of a claim it is “factors | claim: test | verdict | column | unit”. The
    column ``interval`` is a ratio and its interval, ``wider`` a ratio and on either side the wider end of its two
    intervals; “= 20” is a condition that stands among the numbers. A number of the page is the record's in that unit,
    multiplied with ``times``, and ``plus`` added.
    """

    says: str
    run: tuple[str, ...] = ()
    record: str = ""
    at: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    times: float = 1.0
    plus: float = 0.0


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``numbers`` under a heading that no record holds, in their order, and ``why`` they need none."""

    why: str
    numbers: str


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the numbers of one page are.

    ``typed`` are words that stand there once and that no record holds, with the reason; ``sections`` are headings.
    ``study`` and ``factors`` say which tables of the reference ``cells`` are in, and what their conditions have
    besides.
    """

    results: tuple[Result, ...] = ()
    typed: dict[str, str] = {}
    sections: dict[str, Section] = {}
    study: str = ""
    factors: str = ""


class Pages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: pages, and what holds on any of them.

    ``everywhere`` are names that may stand on any page, as often as it likes, ``levels`` numbers of the reference run
    beside those that the paper has.
    """

    pages: dict[str, Page]
    everywhere: dict[str, str] = {}
    levels: dict[str, DeclaredLevel] = {}


def load(root: Path) -> Pages:
    """Return the declarations below ``root``. Raises `BadInput`."""
    try:
        return msgspec.toml.decode((root / DECLARED).read_bytes(), type=Pages)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"{DECLARED} cannot be read: {error}.") from error


def faults(root: Path, numbers: Mapping[str, str]) -> list[str]:
    """Return, in a sentence each, what is wrong with the numbers of the pages below ``root``.

    ``numbers`` are those of the reference run, by name: what has no record there is such a fault.
    """
    pages = load(root)
    there = {str(path.relative_to(root)) for path in (root / "README.md", *root.glob("docs/**/*.md"))}
    declared = pages.pages.keys()
    found = [f"{name}: {DECLARED} names it, and it is not there" for name in sorted(declared - there)]
    found += [f"{name}: {DECLARED} does not declare its numbers" for name in sorted(there - declared)]
    for name in sorted(declared & there):
        words = (root / name).read_text("utf-8")
        found += [f"{name}: {why}" for why in _faults(root, words, pages.pages[name], pages, numbers)]
    return found


def _faults(root: Path, words: str, page: Page, pages: Pages, numbers: Mapping[str, str]) -> Iterator[str]:
    bare = words
    for pattern in _LEFT_OUT:
        bare = blanked(pattern, bare)
    for result in page.results:
        why = _result(root, page, result, numbers)
        if why:
            yield f"“{result.says}” {why}"
    own = [*page.typed, *(result.says for result in page.results)]
    # What stands within longer words is theirs, so that the same number elsewhere can be told from it.
    for phrase in sorted(own, key=len, reverse=True):
        [pattern] = phrases([phrase])
        times = len(pattern.findall(bare))
        if times == 0:
            yield f"“{phrase}” is declared and stands there no more"
        elif times > 1:
            yield f"“{phrase}” stands there {times} times: which is meant, more of its words must say"
        bare = blanked(pattern, bare)
    for pattern in phrases(pages.everywhere):
        bare = blanked(pattern, bare)
    sections = _sections(words, bare)
    for heading, section in page.sections.items():
        if heading not in sections:
            yield f"there is no heading “{heading}”"
            continue
        stands = sections[heading]
        there = " ".join(hit.group() for hit in _found(bare[stands]))
        if there != " ".join(section.numbers.split()):
            yield f"under “{heading}” stand {there or 'none'}, and declared are {section.numbers or 'none'}"
        bare = bare[: stands.start] + re.sub(r"[^\n]", " ", bare[stands]) + bare[stands.stop :]
    for hit in _found(bare):
        line = bare.count("\n", 0, hit.start()) + 1
        yield f"line {line}: {hit.group()} is not declared"


def _found(bare: str) -> list[re.Match[str]]:
    """Return the numbers of a text, in digits and in words, in their order."""
    hits = [hit for pattern in (_NUMBER, NUMBERS_IN_WORDS) for hit in pattern.finditer(bare)]
    return sorted(hits, key=lambda hit: hit.start())


def _sections(words: str, bare: str) -> dict[str, slice]:
    """Return where the text under each heading stands, up to the next one; of equal headings the first."""
    headings = list(_HEADING.finditer(bare))  # what begins with # in code is none
    ends = [*(heading.start() for heading in headings[1:]), len(bare)]
    found: dict[str, slice] = {}
    for heading, end in zip(headings, ends, strict=False):  # a page without a heading has none
        found.setdefault(words[slice(*heading.span(1))].strip(), slice(heading.start(), end))
    return found


def _result(root: Path, page: Page, result: Result, numbers: Mapping[str, str]) -> str:
    """Return what is wrong with a result; nothing where the record holds what the page says."""
    if bool(result.run) == bool(result.record or result.cells):
        return "needs the name of a number of the run, or a record, not both"
    try:
        held = [result.times * one + result.plus for one in _held(root, page, result, numbers)]
    except (KeyError, NoRecord, PartNotMeasured, UnknownName, OSError, ValueError) as error:
        return f"has no record: {error}"
    said = _NUMBER.findall(result.says)
    if len(said) != len(held):
        return f"has {len(said)} numbers, and its record {len(held)}: {', '.join(f'{each:g}' for each in held)}"
    wrong = [(one, other) for one, other in zip(said, held, strict=True) if not _alike(one, other)]
    return "; ".join(f"says {one}, and the record {other:g}" for one, other in wrong)


def _held(root: Path, page: Page, result: Result, numbers: Mapping[str, str]) -> Iterator[float]:
    if result.run:
        yield from _of_run(result, numbers)
    elif result.cells:
        for cell in result.cells:
            yield from [_number(cell[1:].strip())] if cell.startswith("=") else _of_table(root, page, result, cell)
    else:
        yield from _of_record(root, result)


def _of_run(result: Result, numbers: Mapping[str, str]) -> Iterator[float]:
    for name in result.run:
        yield from map(_number, _IN_RECORD.findall(numbers[name]))


def _of_record(root: Path, result: Result) -> Iterator[float]:
    """Yield the numbers that the patterns find. Raises `ValueError` where one is found not once, `OSError`."""
    text = (root / result.record).read_text("utf-8")
    for at in result.at:
        hits = list(re.finditer(at, text, re.MULTILINE))
        if len(hits) != 1:
            raise ValueError(f"{at!r} is in {result.record} {len(hits)} times, and must be once")
        yield from map(_number, hits[0].groups())


def _of_table(root: Path, page: Page, result: Result, cell: str) -> Iterator[float]:
    """Yield the numbers of a cell. Raises `ValueError` where it is not exactly one row's, `KeyError`, `OSError`."""
    factors, subjects, metric, column, *units = (part.strip() for part in cell.split("|"))
    levels = {*factors.split(", ")} - {""}
    if metric == _VERDICT:
        claim, _, test = subjects.partition(": ")
        wanted, tables, mean = {"claim": claim, "test": test}, [root / TABLES / "claims.csv"], "effect"
    else:
        subject, _, reference = subjects.partition(" over ")
        wanted = {"subject": subject, "metric": metric} | ({"reference": reference} if reference else {})
        pattern = f"{page.study}*-{'ratios' if reference else 'measures'}.csv"
        tables, mean = sorted((root / TABLES).glob(pattern)), "geometric_mean"
        levels |= {*page.factors.split(", ")} - {""}
    if result.record:
        tables, levels = [root / result.record], {*factors.split(", ")} - {""}
    there = [row for table in tables for row in _rows(table) if wanted.items() <= row.items()]
    hits = [row for row in there if levels <= {*row["condition"].split(", ")}]
    if len(hits) != 1:
        where = result.record or f"the tables of {page.study or 'no study'}"
        raise ValueError(f"“{cell}” is {len(hits)} rows of {where}, and must be one")
    [unit] = units or [""]
    if unit and unit.split()[0] not in result.says:
        raise ValueError(f"“{cell}” is in {unit}, and the page does not say so")
    times, plus = _UNITS[unit]
    if column not in _INTERVALS:
        yield times * float(hits[0][column]) + plus
        return
    ends = [float(hits[0][f"{which}{end}"]) for which in _INTERVALS[column] for end in ("low", "high")]
    yield times * float(hits[0][mean]) + plus
    yield from sorted(times * end + plus for end in (min(ends), max(ends)))


@cache
def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _number(written: str) -> float:
    return float(written.replace(",", "").replace("−", "-"))


def _alike(said: str, held: float) -> bool:
    """Return whether a number on a page is the record's, rounded to the digits that the page gives.

    Thousands may be rounded to three digits: 13,500 is what 13,461 is.
    """
    whole, _, decimals = said.lstrip("−-").replace(",", "").partition(".")
    left = 0 if decimals or "," not in said else min(len(whole) - 3, len(whole) - len(whole.rstrip("0")))
    return abs(_number(said) - held) <= 0.5 * 10.0 ** (left - len(decimals)) * (1 + 1e-9)


class _Reference(Mapping[str, str]):
    """The numbers of the reference run by name, read when the first is asked for."""

    def __init__(self, levels: Mapping[str, DeclaredLevel]) -> None:
        self._levels = dict(levels)

    @cached_property
    def _numbers(self) -> Numbers:
        known = declared.load(SOURCE / "numbers.toml")
        return Numbers(load_run(), msgspec.structs.replace(known, levels=known.levels | self._levels))

    def __getitem__(self, name: str) -> str:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def main() -> None:
    """Hold the prose of every page to its records."""
    pages = load(ROOT)
    found = faults(ROOT, _Reference(pages.levels))
    if found:
        sys.exit("\n".join(found))
    settled = sum(len(page.results) for page in pages.pages.values())
    print(f"The numbers of {len(pages.pages)} pages are declared, {settled} results among them held by records.")


if __name__ == "__main__":
    main()
