"""Where a run writes, looked at before the first trial; where a place will not do, what to set."""

from __future__ import annotations

import tempfile
from pathlib import Path

from experiments.errors import StorageError
from experiments.invocation import refuse_what_is_not_utf8


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
