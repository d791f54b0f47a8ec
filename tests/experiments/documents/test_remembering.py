"""What docs/remembering.md says of both systems' answers is what the reference run holds."""

from pathlib import Path

import pytest

from experiments import load_run
from experiments.report import text

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def run():
    return load_run(ROOT / "results" / "reference" / "memory-remembering")


@pytest.mark.parametrize("turns", [50, 500, 5_000])
@pytest.mark.long
def test_the_page_says_what_the_records_hold(run, turns):
    page = (ROOT / "docs" / "remembering.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith(f"| {turns:,} | ")]
    condition = f"part=answers, turns={turns}"
    measures = run.measures[run.measures["condition"] == condition]
    compared = run.comparisons[(run.comparisons["condition"] == condition)]
    cells = []
    for metric in ("evidence_in_prompt", "right_answers"):
        for system in ("baseline", "asynchronous"):
            shown = measures[(measures["metric"] == metric) & (measures["subject"] == system) & ~measures["twin"]]
            assert shown["block"].nunique() == len(shown) == 6
            cells.append(f"{100 * shown['value'].median():.1f} %")
    [ratio] = compared[(compared["metric"] == "right_answers") & (compared["subject"] == "asynchronous")].itertuples()
    low, high = text.significant(ratio.low), text.significant(ratio.high)
    cells.append(f"× {text.significant(ratio.geometric_mean)} ({low} … {high})")
    assert row == f"| {turns:,} | {' | '.join(cells)} |"


def test_the_readme_repeats_what_the_page_says_of_the_longest_conversation():
    page = (ROOT / "docs" / "remembering.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith("| 5,000 | ")]
    _, _, _, _, baseline, asynchronous, *_ = [cell.strip() for cell in row.split("|")]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"answers {asynchronous} of the questions rightly, the traditional one {baseline}" in readme
