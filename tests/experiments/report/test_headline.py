"""The figures of docs/results.md, and those on frameworks, are those of the committed reference run."""

from pathlib import Path

import pytest

from experiments.report import decisions, framework_tables, headline
from experiments.report.key_comparisons import KeyComparison, load, measured

ROOT = Path(__file__).parents[3]


def test_the_page_says_what_the_reference_run_measured(reference_run):
    page = (ROOT / headline.PAGE).read_text()
    assert headline.written(page, reference_run) == page


def test_the_readme_says_of_frameworks_what_the_reference_run_measured(reference_run):
    page = (ROOT / headline.README).read_text()
    assert f"<!-- begin: {headline.FRAMEWORKS} -->" in page
    assert headline.readme(page, reference_run) == page


@pytest.mark.parametrize("part", framework_tables.PAGES)
def test_the_pages_of_frameworks_have_the_tables_of_the_reference_run(reference_run, part):
    page = (ROOT / framework_tables.path(part)).read_text()
    assert f"<!-- begin: {framework_tables.mark(part)} -->" in page
    assert headline.framework_page(page, reference_run, part) == page


def test_every_declared_line_is_in_the_table(reference_run):
    lines = decisions.judged(reference_run)[0]
    assert {one.key.name for one in lines} == {one.name for one in load() if one.title}
    assert headline.table(reference_run).count("\n") == len(lines) + 1


def test_a_line_whose_trials_the_run_lacks_is_shown_as_missing(reference_run):
    absent = KeyComparison(
        name="x", title="nobody against nobody", study="load", metric="throughput", reference="nobody", subject="else"
    )
    [one] = measured(reference_run, [absent])
    assert one.comparison is None
    assert headline.cells(one)[2:] == ["– (nobody)", "– (else)", "–", "–", "–", "not measured"]


@pytest.mark.parametrize(
    "page", ["before\n<!-- begin: generated from results/reference -->old<!-- end: generated -->\nafter"]
)
def test_only_what_is_between_the_marks_is_replaced(page):
    written = headline.replaced(page, "new")
    assert written.startswith("before\n")
    assert written.endswith("\nafter")
    assert "old" not in written
    assert headline.replaced(written, "new") == written
