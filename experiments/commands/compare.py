"""``fourgig compare``: what got worse and what got better from one run to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands import console
from experiments.measuring.study import studies
from systems.errors import ExitCode


def compare(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="The earlier run's folder.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="The later run's folder.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
) -> None:
    """Tell what got worse and what got better from one run to another on the same machine.

    Exit code 8 if anything got worse beyond the noise, or more trials were lost. Of fewer than six blocks the ratios
    are only indicative, and none of them counts as worse.
    """
    from experiments.analysis.frames import read_frames
    from experiments.analysis.regressions import compare_runs
    from experiments.report import regressions

    runs = read_frames(before, unfinished=True), read_frames(after, unfinished=True)
    names = {name for run in runs for name in run.info.studies if name in studies.names()}
    compared = compare_runs(*runs, {name: studies.get(name).primary for name in sorted(names)})
    if markdown:
        console.out.say(regressions.markdown(compared))
    else:
        for heading, columns, rows in regressions.tables(compared):
            console.out.show_table(columns, rows, title=heading)
        for line in (*regressions.notes(compared), regressions.summary(compared)):
            console.out.say(line)
    if compared.regressed:
        raise typer.Exit(ExitCode.WORSE)
