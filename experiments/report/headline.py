"""What is generated in docs/results.md from a run's records alone.

The agents by what a person cares about, the key comparisons, what agent and engine each bring, and the verdicts.
``python -m experiments.report.headline`` writes each between its two marks on that page; a test fails when one is not
what the reference run says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from experiments.analysis.conclusions import UNDECIDED
from experiments.analysis.run import Run, load_run
from experiments.metrics.interface import Metric
from experiments.report import concerns, decisions, engine_steps, key_comparisons, ledger, provenance, text
from experiments.report.key_comparisons import MeasuredComparison

PAGE = Path("docs/results.md")
COMPARISONS, CLAIMS = "generated from results/reference", "claims, generated from results/reference"
ENGINES = "engines, generated from results/reference"
AGENTS = "agents, generated from results/reference"
_END = "<!-- end: generated -->"


def table(run: Run) -> str:
    """Return the key comparisons that the run measured as a Markdown table: medians, the ratio, the conclusion."""
    rows = [
        "| what | measure | reference | subject | ratio | robust | noise | conclusion |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [f"| {' | '.join(cells(one))} |" for one in decisions.judged(run)[0]]
    return "\n".join(rows)


def cells(one: MeasuredComparison) -> list[str]:
    """Return a comparison's row: what, the measure, both medians, the ratio with two intervals, noise, conclusion."""
    key, comparison = one.key, one.comparison
    values = [
        f"{shown(value, one.metric)} ({subject})"
        for value, subject in ((one.reference, key.reference), (one.subject, key.subject))
    ]
    where = [key.title, one.metric.title.lower(), *values]
    if comparison is None:
        return [*where, "–", "–", "–", "not measured"]
    summary = comparison.summary
    robust = "–" if summary is None else text.ends(summary.robust_low, summary.robust_high)
    said = str(comparison.conclusion)
    why = [comparison.why] if comparison.conclusion in UNDECIDED and comparison.why else []
    beside = "; ".join([*why, *comparison.caveats])
    floor = text.floor(comparison.pair.floor)
    return [*where, key_comparisons.ratio(one), robust, floor, f"{said}<br><small>{beside}</small>" if beside else said]


def shown(value: float | None, metric: Metric) -> str:
    """Return a value in its unit; a dash where there is none."""
    return "–" if value is None else text.quantity(value, metric.unit)


def section(run: Run) -> str:
    """Return everything between the marks: the table, and on what it was measured."""
    return f"{table(run)}\n\n{provenance.note(run)}"


def replaced(page: str, new: str, name: str = COMPARISONS) -> str:
    """Return ``page`` with ``new`` between the marks called ``name``."""
    begin = f"<!-- begin: {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(_END)
    return f"{before}{begin}\n\n{new}\n\n{_END}{after}"


def written(page: str, run: Run) -> str:
    """Return ``page`` with everything that is generated as ``run`` says."""
    page = replaced(page, section(run))
    page = replaced(page, concerns.section(run), AGENTS)
    page = replaced(page, engine_steps.section(run), ENGINES)
    return replaced(page, ledger.table(ledger.judge(run)), CLAIMS)


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(written(path.read_text(), load_run()))
