"""The figures of docs/results.md are those of the committed reference run, and cannot drift from it."""

from pathlib import Path

import pytest

from experiments.report import headline
from experiments.report.key_comparisons import KEY_COMPARISONS

ROOT = Path(__file__).parents[3]


def test_the_page_says_what_the_reference_run_measured(reference_run):
    page = (ROOT / headline.PAGE).read_text()
    assert headline.written(page, reference_run) == page


def test_every_line_whose_subjects_were_tried_was_measured(reference_run):
    tried = set(reference_run.trials["subject"])
    lines = [key for key in KEY_COMPARISONS if {key.before, key.after} <= tried]
    assert headline.table(reference_run).count("\n") == len(lines) + 1


@pytest.mark.parametrize(
    "page", ["before\n<!-- begin: generated from results/reference -->old<!-- end: generated -->\nafter"]
)
def test_only_what_is_between_the_marks_is_replaced(page):
    written = headline.replaced(page, "new")
    assert written.startswith("before\n")
    assert written.endswith("\nafter")
    assert "old" not in written
    assert headline.replaced(written, "new") == written
