"""``fourgig compare``: what got worse and what got better from one run to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from experiments.commands import console
from experiments.measuring.study import studies
from systems.errors import ExitCode


def compare(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="The earlier run's folder.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="The later run's folder.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
) -> None:
    """Tell what got worse and what got better from one run to another on the same machine.

    Exit code 8 if anything got worse beyond the noise, or more trials were lost.
    """
    from experiments.analysis.between import compare_runs
    from experiments.analysis.frames import load_run
    from experiments.report import changes

    runs = load_run(before, unfinished=True), load_run(after, unfinished=True)
    names = {name for run in runs for name in run.info.studies if name in studies.names()}
    found = compare_runs(*runs, {name: studies.get(name).primary for name in sorted(names)})
    if markdown:
        typer.echo(changes.markdown(found))
    else:
        for heading, columns, rows in changes.tables(found):
            table = Table(*columns, title=heading)
            for row in rows:
                table.add_row(*map(escape, row))
            console.out.print(table)
        for line in (*changes.about(found), changes.verdict(found)):
            console.out.print(line, markup=False, soft_wrap=True)
    if found.regressed:
        raise typer.Exit(ExitCode.WORSE)
