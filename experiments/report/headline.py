"""The two tables of docs/results.md: the key comparisons of a run and its verdicts, generated from its records alone.

``python -m experiments.report.headline`` writes each between its two marks on that page; a test fails when one is not
what the reference run says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.run import Run, load_run
from experiments.report import ledger, text
from experiments.report.key_comparisons import MeasuredComparison, measured

PAGE = Path("docs/results.md")
COMPARISONS, CLAIMS = "generated from results/reference", "claims, generated from results/reference"
_END = "<!-- end: generated -->"


def table(run: Run) -> str:
    """Return the key comparisons that the run measured as a Markdown table: medians, the ratio, the conclusion."""
    rows = [
        "| what | measure | traditional | asynchronous | ratio | noise | conclusion |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured(run):
        key, unit = one.key, one.metric.unit
        cells = (
            key.title,
            one.metric.title.lower(),
            f"{text.quantity(one.before, unit)} ({key.before})",
            f"{text.quantity(one.after, unit)} ({key.after})",
            ratio(one),
            text.floor(one.comparison.pair.floor),
            str(one.comparison.conclusion),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def ratio(one: MeasuredComparison) -> str:
    """Return the ratio with its interval; the ratio of every block where blocks are too few for an interval."""
    summary = one.comparison.summary
    if summary.indicative:
        return ", ".join(f"× {text.significant(each)}" for each in one.comparison.pair.ratios)
    return text.interval(summary.geometric_mean, summary.low, summary.high)


def section(run: Run) -> str:
    """Return everything between the marks: the table, and on what it was measured."""
    info = run.info
    place = info.environment
    machine = (
        f"{place.get('cpus')} × {place.get('cpu_model')}, {int(place.get('memory_bytes') or 0) / 2**30:.0f} GiB, "
        f"Linux {str(place.get('kernel')).split('-')[0]}"
    )
    limits = f"profile {info.profile.name}, {info.enforcement}"
    certainty = "95 % intervals" if info.blocks >= ENOUGH_BLOCKS else "indicative, no verdicts"
    note = (
        f"Preset {info.preset}, {info.blocks} blocks: {certainty}. {len(run.trials)} trials on {machine}; "
        f"{limits}; model {info.engine.model}"
        f"{' (its words mean nothing)' if info.engine.words_are_meaningless else ''}; "
        f"{info.created[:10]}."
    )
    return f"{table(run)}\n\n{note}"


def replaced(page: str, new: str, name: str = COMPARISONS) -> str:
    """Return ``page`` with ``new`` between the marks called ``name``."""
    begin = f"<!-- begin: {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(_END)
    return f"{before}{begin}\n\n{new}\n\n{_END}{after}"


def written(page: str, run: Run) -> str:
    """Return ``page`` with both tables as ``run`` says."""
    return replaced(replaced(page, section(run)), ledger.table(ledger.judge(run)), CLAIMS)


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(written(path.read_text(), load_run()))
