"""What is generated in docs/results.md, in the README and on pages of frameworks from a run's records alone.

On the page of results the agents by what a person cares about, the key comparisons, what agent and engine each bring,
and the verdicts; in the README what frameworks cost, and on the pages of their study the tables. Each is written
between its two marks by ``python -m experiments.report.headline``; a test fails when one is not what the reference run
says.
"""

from __future__ import annotations

from pathlib import Path

from experiments.analysis.conclusions import UNDECIDED
from experiments.analysis.run import Run, load_run
from experiments.metrics.interface import Metric
from experiments.report import (
    concerns,
    decisions,
    engine_steps,
    framework_tables,
    frameworks_line,
    key_comparisons,
    ledger,
    provenance,
    text,
)
from experiments.report.key_comparisons import MeasuredComparison

PAGE, README = Path("docs/results.md"), Path("README.md")
COMPARISONS, CLAIMS = "generated from results/reference", "claims, generated from results/reference"
ENGINES, FRAMEWORKS = "engines, generated from results/reference", "frameworks, generated from results/reference"
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
    where = [one.title, one.metric.title.lower(), *values]
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
    """Return ``page`` with ``new`` between the marks called ``name``; with nothing between them where it is empty."""
    begin = f"<!-- begin: {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(_END)
    between = f"\n\n{new}\n\n" if new else "\n"
    return f"{before}{begin}{between}{_END}{after}"


def written(page: str, run: Run) -> str:
    """Return the page of results with everything that is generated as ``run`` says."""
    page = replaced(page, section(run))
    page = replaced(page, concerns.section(run), AGENTS)
    page = replaced(page, engine_steps.section(run), ENGINES)
    return replaced(page, ledger.table(ledger.judge(run)), CLAIMS)


def readme(page: str, run: Run) -> str:
    """Return the README with what is generated there as ``run`` says."""
    return replaced(page, frameworks_line.section(run), FRAMEWORKS)


def framework_page(page: str, run: Run, part: str) -> str:
    """Return the page of a part of the study `frameworks` with its tables as ``run`` says."""
    return replaced(page, framework_tables.section(run, part), framework_tables.mark(part))


if __name__ == "__main__":
    reference = load_run()
    for path, write in ((PAGE, written), (README, readme)):
        path.write_text(write(path.read_text(), reference))
    for part in framework_tables.PAGES:
        path = framework_tables.path(part)
        path.write_text(framework_page(path.read_text(), reference, part))
