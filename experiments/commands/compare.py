"""``fourgig compare``: what got worse and what got better from one run to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands import console
from systems.errors import ExitCode


def compare(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="The earlier run's folder, or a folder of runs.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="The later run's folder, or a folder of runs.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
) -> None:
    """Tell what got worse and what got better from one run to another on the same machine.

    Exit code 8 if anything got worse beyond the noise, or more trials or values were lost. Of fewer than six blocks the
    ratios are only indicative, and none of them counts as worse.
    """
    from experiments.analysis.counterparts import compare_parts
    from experiments.analysis.installed import installed
    from experiments.analysis.run import load_run
    from experiments.report import regressions

    runs = load_run(before, unfinished=True), load_run(after, unfinished=True)
    studies, _ = installed(sorted(name for run in runs for name in run.studies))
    compared = compare_parts(*runs, {name: study.primary for name, study in studies.items()})
    if markdown:
        console.out.say(regressions.markdown(compared))
    else:
        for heading, columns, rows in regressions.tables(compared):
            console.out.show_table(columns, rows, title=heading)
        for line in (*regressions.notes(compared), regressions.summary(compared)):
            console.out.say(line)
    if compared.regressed:
        raise typer.Exit(ExitCode.WORSE)
