"""How this command was started, so that a command it prints can be typed where it is printed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "fourgig"


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
    """Return the command line of this program with ``words`` behind it, quoted for a shell."""
    return f"{program()} {shlex.join(map(str, words))}"
