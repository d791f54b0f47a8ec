"""Fail where a page of prose has a number that no record holds, or that is not declared.

``docs/numbers.toml`` says of each page what its numbers are: a result, with the record that holds it; or a setting, a
published figure, a piece of history, each with the reason. What stands between the marks of a generated section, in
code and in links is left out: other checks hold those.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
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
_NUMBER = re.compile(r"(?<![\w.])(?<![^\W\d][-−])[−-]?\d+(?:,\d{3})*(?:\.\d+)?")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_IN_RECORD = re.compile(r"[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words on a page whose numbers a record holds, one after the other.

    Either ``run`` names numbers of the reference run, as the paper's text does; or ``record`` is a file and ``at`` are
    patterns, each of which is found in it once and whose groups are the numbers; or it is a table of a report and
    ``cells`` are the numbers, each as “factors | subject | metric | column”, of a ratio “subject over reference”. A
    number of the page is the record's, multiplied with ``times``, and ``plus`` added: 100 for a share that the page has
    in percent.
    """

    says: str
    run: tuple[str, ...] = ()
    record: str = ""
    at: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    times: float = 1.0
    plus: float = 0.0


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the numbers of one page are.

    ``typed`` are words that may stand there, ``sections`` headings under which any number may, each with the reason.
    """

    results: tuple[Result, ...] = ()
    typed: dict[str, str] = {}
    sections: dict[str, str] = {}


class Pages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: pages, what holds on any of them, and ``not_covered``, the pages that are not checked yet.

    ``everywhere`` are words that may stand on any page, ``sections`` headings under which any number may on any page,
    ``levels`` numbers of the reference run beside those that the paper has.
    """

    pages: dict[str, Page]
    everywhere: dict[str, str] = {}
    sections: dict[str, str] = {}
    levels: dict[str, DeclaredLevel] = {}
    not_covered: tuple[str, ...] = ()


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
    named = {*pages.pages, *pages.not_covered}
    found = [f"{name}: {DECLARED} names it, and it is not there" for name in sorted(named - there)]
    found += [f"{name}: {DECLARED} neither covers it nor says that it does not" for name in sorted(there - named)]
    found += [f"{name} is both covered and not" for name in sorted({*pages.pages} & {*pages.not_covered})]
    for name in sorted(pages.pages.keys() & there):
        words = (root / name).read_text("utf-8")
        found += [f"{name}: {why}" for why in _faults(root, words, pages.pages[name], pages, numbers)]
    return found


def _faults(root: Path, words: str, page: Page, pages: Pages, numbers: Mapping[str, str]) -> Iterator[str]:
    bare = words
    for pattern in _LEFT_OUT:
        bare = blanked(pattern, bare)
    sections = _sections(words, bare)
    for heading in page.sections.keys() - sections.keys():
        yield f"there is no heading “{heading}”"
    for heading in sections.keys() & {*page.sections, *pages.sections}:
        stands = sections[heading]
        bare = bare[: stands.start] + re.sub(r"[^\n]", " ", bare[stands]) + bare[stands.stop :]
    for result in page.results:
        why = _result(root, bare, result, numbers)
        if why:
            yield f"“{result.says}” {why}"
    own = [*page.typed, *(result.says for result in page.results)]
    for phrase in page.typed:
        if not any(pattern.search(bare) for pattern in phrases([phrase])):
            yield f"“{phrase}” is declared and stands there no more"
    for pattern in phrases([*own, *pages.everywhere]):
        bare = blanked(pattern, bare)
    for place, line in enumerate(bare.splitlines(), start=1):
        for pattern in (_NUMBER, NUMBERS_IN_WORDS):
            for hit in pattern.finditer(line):
                yield f"line {place}: {hit.group()} is not declared"


def _sections(words: str, bare: str) -> dict[str, slice]:
    """Return where the text under each heading stands, up to the next one; of equal headings the first."""
    headings = list(_HEADING.finditer(bare))  # what begins with # in code is none
    ends = [*(heading.start() for heading in headings[1:]), len(bare)]
    found: dict[str, slice] = {}
    for heading, end in zip(headings, ends, strict=False):  # a page without a heading has none
        found.setdefault(words[slice(*heading.span(1))].strip(), slice(heading.start(), end))
    return found


def _result(root: Path, bare: str, result: Result, numbers: Mapping[str, str]) -> str:
    """Return what is wrong with a result; nothing where the record holds what the page says."""
    [pattern] = phrases([result.says])
    if not pattern.search(bare):
        return "is declared and stands there no more"
    if bool(result.run) == bool(result.record):
        return "needs the name of a number of the run, or a record, not both"
    try:
        held = [result.times * one + result.plus for one in _held(root, result, numbers)]
    except (KeyError, NoRecord, PartNotMeasured, UnknownName, OSError, ValueError) as error:
        return f"has no record: {error}"
    said = _NUMBER.findall(result.says)
    if len(said) != len(held):
        return f"has {len(said)} numbers, and its record {len(held)}: {', '.join(f'{each:g}' for each in held)}"
    wrong = [(one, other) for one, other in zip(said, held, strict=True) if not _alike(one, other)]
    return "; ".join(f"says {one}, and the record {other:g}" for one, other in wrong)


def _held(root: Path, result: Result, numbers: Mapping[str, str]) -> Iterator[float]:
    if result.run:
        yield from _of_run(result, numbers)
    else:
        yield from (_of_table if result.cells else _of_record)(root, result)


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


def _of_table(root: Path, result: Result) -> Iterator[float]:
    """Yield the cells of a table. Raises `ValueError` where one is not exactly one, `KeyError`, `OSError`."""
    with (root / result.record).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for cell in result.cells:
        factors, subjects, metric, column = (part.strip() for part in cell.split("|"))
        subject, _, reference = subjects.partition(" over ")
        wanted = {"subject": subject, "metric": metric} | ({"reference": reference} if reference else {})
        there = [row for row in rows if wanted.items() <= row.items()]
        hits = [row for row in there if {*factors.split(", ")} <= {*row["condition"].split(", ")}]
        if len(hits) != 1:
            raise ValueError(f"“{cell}” is {len(hits)} rows of {result.record}, and must be one")
        yield float(hits[0][column])


def _number(written: str) -> float:
    return float(written.replace(",", "").replace("−", "-"))


def _alike(said: str, held: float) -> bool:
    """Return whether a number on a page is the record's, rounded to the digits that the page gives."""
    _, _, decimals = said.partition(".")
    return abs(_number(said) - held) <= 0.5 * 10.0 ** -len(decimals) * (1 + 1e-9)


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
    """Hold the prose of every covered page to its records, and say how many are not covered yet."""
    pages = load(ROOT)
    found = faults(ROOT, _Reference(pages.levels))
    if found:
        sys.exit("\n".join(found))
    settled = sum(len(page.results) for page in pages.pages.values())
    print(
        f"The numbers of {len(pages.pages)} pages are declared, {settled} results among them held by records; "
        f"{len(pages.not_covered)} pages are not covered yet."
    )


if __name__ == "__main__":
    main()
