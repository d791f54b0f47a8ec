"""``fourgig memory``: carry an agent's long-term memory elsewhere, make it small, take a person out of it."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated

import typer

from experiments.commands import console
from systems.errors import BadInput, FourgigError

memory_app = typer.Typer(
    help="Look after an agent's long-term memory: a file memory.sqlite in its data folder.", no_args_is_help=True
)

_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def _sessions(context: typer.Context, incomplete: str) -> list[str]:
    from systems.memory import archive

    with suppress(FourgigError):
        names = archive.sessions(Path(context.params["file"] or ""))
        return [as_typed for name in names if (as_typed := _completed(name, incomplete)) is not None]
    return []


def _completed(name: str, incomplete: str) -> str | None:
    """Return ``name`` encoded as what was typed of it, which the shell compares byte by byte; None if it is another."""
    forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return next((form for form in forms if form.startswith(incomplete)), None)


def _bytes(text: str) -> int:
    size = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if size is None or size[2] not in _UNITS:
        raise BadInput(f"{text!r} is no size: write a number with a unit, for example 200MB or 1GiB.")
    return int(float(size[1]) * _UNITS[size[2]])


@contextmanager
def _whole(out: Path) -> Iterator[IO[bytes]]:
    """Yield a file that gets the name ``out`` once everything is in it; one that fails leaves nothing."""
    if out.exists():
        raise BadInput(f"{out} is there already; choose another name.")
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent}.")
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as lines:
            yield lines
            lines.flush()
            os.fsync(lines.fileno())  # a full disk may be noticed only now
        part.rename(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


_File = Annotated[Path, typer.Argument(help="The memory file, for example data/memory.sqlite.", exists=False)]
_Session = Annotated[
    str | None, typer.Option(help="Only this session's turns; all if not given.", autocompletion=_sessions)
]


def _is_tiered(file: Path) -> bool:
    """Return whether the tiered agent keeps conversations in tiers beside ``file``."""
    return file.with_name("tiers.sqlite").exists()


def _is_pooled(file: Path) -> bool:
    """Return whether the pooled agent keeps conversations in tiers beside ``file``."""
    return file.with_name("pool.sqlite").exists()


@memory_app.command("export")
def export(
    file: _File,
    out: Annotated[Path | None, typer.Argument(help="Where to write; the terminal, or a pipe, if not given.")] = None,
    session: _Session = None,
) -> None:
    """Write what an agent remembers as JSON Lines, oldest first: one turn a line, after a line that names the format.

    An agent may be running meanwhile, and neither the file nor its folder need be writable. The
    lines are plain text: fourgig memory export FILE | grep Lisbon
    """
    from systems.memory import archive

    if _is_tiered(file):
        console.err.say("Sessions that the tiered agent has frozen lie in bundles beside the file, and are not in it.")
    if out is None:
        archive.export(file, sys.stdout.buffer, session)
        sys.stdout.buffer.flush()
        return
    with _whole(out) as lines:
        count = archive.export(file, lines, session)
    console.out.say(f"{count} turns written to {out}.")


@memory_app.command("import")
def import_(
    file: _File,
    exported: Annotated[
        Path,
        typer.Argument(metavar="EXPORT", help="What fourgig memory export wrote; - for the standard input."),
    ],
) -> None:
    """Add the turns of an export to a memory file, which is made if it is not there.

    Turns that are there already are left out, so importing twice does no harm. A line that cannot be read is named,
    and nothing is imported.
    """
    from systems.memory import archive

    if str(exported) == "-":
        count = archive.load(file, sys.stdin.buffer)
    elif not exported.exists() or exported.is_dir():
        raise BadInput(f"There is no export {exported}.")
    else:
        with exported.open("rb") as lines:
            count = archive.load(file, lines)
    console.out.say(f"{count} new turns in {file}.")


@memory_app.command("compact")
def compact(
    file: _File,
    size: Annotated[
        str | None, typer.Option(help="Delete what matters least until the file is at most this large: 200MB.")
    ] = None,
) -> None:
    """Make a memory file as small as what it holds, and give back what deleted turns took.

    With --size the sessions that hold most lose turns first, and of each the oldest that say nothing important. No
    agent may be running with the file.
    """
    from systems.memory import archive

    most = None if size is None else _bytes(size)
    before = file.stat().st_size if file.exists() else 0
    deleted = archive.compact(file, most)
    console.out.say(
        f"{file}: {before:,} bytes before, {file.stat().st_size:,} now; {deleted} turns deleted.",
    )


@memory_app.command("forget")
def forget(
    file: _File,
    session: Annotated[str, typer.Argument(help="The session to forget.", autocompletion=_sessions)],
) -> None:
    """Delete everything one session said, so that nothing of it is left in the file. It cannot be undone.

    To keep a copy, export the session first. No agent may be running with the file: it holds what was said, and would
    save it again. Who else has the file open can read on in what was deleted; the message says who, and exit code 14.
    """
    from systems.memory import archive

    if _is_tiered(file):
        raise BadInput(
            f"{file} is a tiered agent's, whose conversations lie in tiers.sqlite and in bundles as well: have the "
            "agent forget them, on its page or by DELETE /v1/fourgig/conversations."
        )
    if _is_pooled(file):
        raise BadInput(
            f"{file} is a pooled agent's, whose conversations lie in pool.sqlite and in cold files as well: have the "
            "agent forget them, on its page or by DELETE /v1/fourgig/conversations."
        )
    deleted = archive.forget(file, session)
    console.out.say(f"{deleted} turns of {session} deleted from {file}.")
