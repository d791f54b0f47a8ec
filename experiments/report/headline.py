"""The README's table: the answers of a run, generated from its records and never typed.

``python -m experiments.report.headline`` writes it between the two marks in README.md; a test fails when it is not
what the reference run says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from experiments.analysis.frames import Run, load_run
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import text
from experiments.report.answers import Answered, answered

BEGIN, END = "<!-- begin: generated from results/reference -->", "<!-- end: generated -->"


def table(run: Run) -> str:
    """Return the lines that the run measured as a Markdown table: medians, the ratio, and what it says."""
    rows = [
        "| what | measure | traditional | asynchronous | ratio | noise | answer |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in answered(run):
        line, unit = one.line, one.metric.unit
        cells = (
            line.title,
            one.metric.title.lower(),
            f"{text.quantity(one.before, unit)} ({line.before})",
            f"{text.quantity(one.after, unit)} ({line.after})",
            _ratio(one),
            text.floor(one.judged.pair.floor),
            str(one.judged.answer),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _ratio(one: Answered) -> str:
    """Return the ratio with its interval; every block's where there are too few for one."""
    found = one.judged.ratio
    if found.indicative:
        return ", ".join(f"× {text.significant(each)}" for each in one.judged.pair.ratios)
    return text.interval(found.geometric_mean, found.low, found.high)


def section(run: Run) -> str:
    """Return everything between the marks: the table, and on what it was measured."""
    info = run.info
    place = info.environment
    machine = (
        f"{place.get('cpus')} × {place.get('cpu_model')}, {int(place.get('memory_bytes') or 0) / 2**30:.0f} GiB, "
        f"Linux {str(place.get('kernel')).split('-')[0]}"
    )
    limits = f"profile {info.profile.name}, {'enforced by ' + info.backend if info.enforced else 'NOT enforced'}"
    verdicts = "95 % intervals" if info.blocks >= ENOUGH_BLOCKS else "indicative, no verdicts"
    note = (
        f"Preset {info.preset}, {info.blocks} blocks: {verdicts}. {len(run.trials)} trials on {machine}; "
        f"{limits}; model {info.engine.model}"
        f"{' (its words mean nothing)' if info.engine.words_are_meaningless else ''}; "
        f"{info.created[:10]}."
    )
    return f"{table(run)}\n\n{note}"


def replaced(page: str, new: str) -> str:
    """Return ``page`` with ``new`` between the marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


if __name__ == "__main__":
    readme = Path(sys.argv[1] if len(sys.argv) > 1 else "README.md")
    readme.write_text(replaced(readme.read_text(), section(load_run())))
