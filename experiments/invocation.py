"""How this command was started, so that a command it prints can be typed where it is printed."""

from __future__ import annotations

import os
import shlex
import shutil
import string
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.printable import printable
from systems.errors import BadInput

NAME = "fourgig"

_PLAIN = f"{string.ascii_letters}{string.digits} /._-=+:,@%"


def program() -> str:
    """Return what starts this command again, quoted: its name where the shell finds it so, else its path.

    The path is relative where it lies inside the current folder. Where Python was started otherwise, the name.
    """
    started = Path(sys.argv[0])
    if started.name != NAME or not started.is_file():
        return NAME
    # Inside nox the PATH is the session's: the person's own shell, where the command will be typed, has another.
    found = None if "NOX_CURRENT_SESSION" in os.environ else shutil.which(NAME)
    if found is not None and Path(found).samefile(started):
        return NAME
    path, here = started.parent.resolve() / NAME, Path.cwd().resolve()
    if not path.is_relative_to(here):
        return shlex.quote(str(path))
    inside = path.relative_to(here)
    return shlex.quote(f"./{inside}" if len(inside.parts) == 1 else str(inside))


def command(*words: object) -> str:
    """Return the command line of this program with ``words`` behind it, quoted for a shell; paths are no options."""
    return " ".join([program(), *(quoted(_told_from_options(word)) for word in words)])


def quoted(word: str) -> str:
    """Return ``word`` as a shell reads it, also where it holds what a terminal would obey or cannot show."""
    if printable(word) == word and "\n" not in word and "\t" not in word and _is_shown(word):
        return shlex.quote(word)
    escaped = "".join(
        chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}" for byte in word.encode(errors="surrogateescape")
    )
    return f"$'{escaped}'"


def refuse_what_is_no_text(arguments: Sequence[str]) -> None:
    """Raise `BadInput` for the first of the arguments that is not UTF-8: no record and no page could name it."""
    for argument in arguments:
        refuse_what_is_not_utf8(argument, "The argument", "rename it, or go there and name what is inside")


def refuse_what_is_not_utf8(text: str, what: str, remedy: str) -> None:
    """Raise `BadInput` where ``text`` stands for bytes that are no UTF-8; the sentence begins with ``what``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{what} {quoted(text)} is not UTF-8, and cannot be recorded: {remedy}.") from None


def _told_from_options(word: object) -> str:
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)


def _is_shown(word: str) -> bool:
    """Tell whether the terminal that the errors go to has every character."""
    try:
        word.encode(getattr(sys.stderr, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
