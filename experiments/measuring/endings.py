"""How a process ended, in words for a record: its status, and the last line that tells why."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import TracebackType

from systems.errors import told

_TOLD_OF_A_GROUP = 3
_LONGEST_LINE = 400
"""Characters: less than what is read back of a log's last line."""


def how(status: int) -> str:
    """Return what a process's return code says; not every signal has a name."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def tell_in_one_line() -> None:
    """Have an exception that ends this process told in one line after its traceback, which may end otherwise.

    That of a group ends in a rule, that of a long message in its last line, and neither names the exception.
    """
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, error, trace)
    line = _in_one_line(error)[:_LONGEST_LINE]
    if "".join(traceback.format_exception_only(error)).splitlines()[-1:] != [line]:
        try:
            os.write(2, f"{line}\n".encode("utf-8", "backslashreplace"))
        except OSError:  # the subject closed it, and has no last words
            return


def _in_one_line(error: BaseException) -> str:
    """Return an error's type and words; of a group also those of the first errors in it."""
    if not isinstance(error, BaseExceptionGroup):
        return told(error)
    return f"{told(error)}: {'; '.join(map(_in_one_line, error.exceptions[:_TOLD_OF_A_GROUP]))}"
