"""The ``fourgig`` command."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands import console, terminal
from experiments.commands.chat import chat
from experiments.commands.compare import compare
from experiments.commands.completing import completing
from experiments.commands.doctor import examine, exit_code
from experiments.commands.frameworks import systems_app
from experiments.commands.memory import memory_app
from experiments.commands.model import model_app
from experiments.commands.recall import recall
from experiments.commands.research import research
from experiments.commands.run import run
from experiments.commands.serve import serve
from experiments.errors import Interrupted, StorageError
from experiments.invocation import refuse_what_is_no_text
from experiments.measuring import profiles
from experiments.measuring.study import Study, studies
from systems import registry
from systems.errors import BadInput, ExitCode, FourgigError, UnknownName

app = typer.Typer(
    help="Does this agent design really help in 4 GB, and by how much? Compare local LLM agents under enforced limits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(model_app, name="model")
app.add_typer(systems_app, name="systems")
app.command()(run)
app.command()(serve)
app.command()(compare)
app.command()(chat)
app.command()(recall)
app.command()(research)
app.add_typer(memory_app, name="memory")


# What a file system may answer to a name and a right that a person chose.
_NO_DEFECTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR),
)
_BOXED_HELP_COLUMNS = 80

_KINDS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "systems": lambda: [(name, registry.systems.get(name).summary) for name in registry.systems.names()],
    "studies": lambda: [(name, _asks(studies.get(name))) for name in studies.names()],
    "parts": lambda: [
        (part, f"{study}: {what}") for study in studies.names() for part, what in studies.get(study).parts.items()
    ],
    "profiles": lambda: [(name, profiles.load(name).description) for name in profiles.names()],
    "engines": lambda: [(name, registry.engines.get(name).summary) for name in registry.engines.names()],
}


def _asks(study: type[Study]) -> str:
    """Return what ``study`` asks, and the names of its parts."""
    return f"{study.question}\nParts: {', '.join(study.parts)}" if study.parts else study.question


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]) -> None:
    """Build the report of a run again, from its records alone."""
    from experiments.report.build import build

    console.out.say(f"Report: {build(folder)}")


@app.command("list")
def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            help="systems, studies, parts (of studies), profiles or engines.", autocompletion=completing(lambda: _KINDS)
        ),
    ],
) -> None:
    """List what is registered, with a line on each."""
    if kind not in _KINDS:
        raise UnknownName("list", kind, _KINDS)
    console.print_names(kind, _KINDS[kind]())


@app.command()
def doctor(
    profile: Annotated[
        str, typer.Option(help="The limits to look at.", autocompletion=completing(profiles.names))
    ] = "4gb",
) -> None:
    """Tell what this machine can enforce, what will disturb a measurement, and how to mend each.

    Exit code 3 if only the right to enforce the profile is missing, 11 for any other fault that prevents a valid run.
    """
    found = examine(profiles.load(profile))
    console.print_findings(found)
    raise typer.Exit(exit_code(found))


def _refuse_a_folder_that_is_gone() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise BadInput("The current folder is not there any more: change to another one.") from None


def main() -> None:
    """Run the command; an error a person can cause ends as one sentence and its exit code."""
    terminal.prepare()
    if console.out.width < _BOXED_HELP_COLUMNS or not console.out.is_watched:
        app.rich_markup_mode = None  # help without boxes, in which names are cut
    try:
        refuse_what_is_no_text(sys.argv[1:])
        _refuse_a_folder_that_is_gone()
        app()
    except SystemExit as left:
        if left.code == ExitCode.INTERRUPTED:  # where nothing better was said of what is safe
            console.err.say("Interrupted.", style="red")
        if left.code == ExitCode.DEFECT and terminal.is_unread(1):  # typer's answer to a reader that has gone
            sys.exit(ExitCode.DONE)
        raise
    except FourgigError as error:
        prefix = "" if isinstance(error, Interrupted) else "Error: "
        console.err.say(f"{prefix}{error}", style="red")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _NO_DEFECTS:
            raise
        terminal.forget(1)  # where it is the standard output that is full, leaving would try to write to it again
        console.err.say(f"Error: {error.filename or 'the output'}: {error.strerror}.", style="red")
        sys.exit(StorageError.exit_code)
