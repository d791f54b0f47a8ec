"""Where a run writes, looked at before the first trial; and where an agent that is run for real keeps its memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from experiments.errors import StorageError
from experiments.invocation import refuse_what_is_not_utf8
from systems.errors import BadInput


def check_places(folder: Path) -> None:
    """Look at the names of the run's folder and of the temporary one, which records and trials are told.

    Raises `BadInput` for one that is not UTF-8, `StorageError` where no temporary folder can be written.
    """
    refuse_what_is_not_utf8(str(folder.absolute()), "The run's folder", "move the run, or choose another with --out")
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:
        raise StorageError("No temporary folder can be written: set TMPDIR to one that can.") from None
    refuse_what_is_not_utf8(temporary, "The temporary folder", "set TMPDIR to another")


def memory_folder(system: str) -> Path:
    """Return where the memory of ``system`` is kept where nobody says. Raises `BadInput` without a home folder."""
    try:
        return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "fourgig" / system
    except RuntimeError:  # no HOME, and this user is not in the list of users
        raise BadInput("There is no home folder to keep the agent's memory in: name a folder with --data.") from None
