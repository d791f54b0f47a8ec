"""Every way this project fails on purpose: one type a cause, one sentence a message, one exit code a kind.

The exit codes are the command's documented ones (docs/command.md); an error that is not of these types is a
defect and exits with 1 and a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class FourgigError(Exception):
    """Base of every error a person can cause or meet; its text is one clear sentence."""

    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False
    """Whether the same call may succeed in a moment, and left nothing half done."""


class BadInput(FourgigError):
    """An argument, a setting or a file does not say what it must."""

    exit_code = 2


class UnknownName(BadInput):
    """A name that is not registered; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = sorted(known)
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self.known)}."
        super().__init__(f"There is no {kind} named {name!r}; {hint}")
        self._arguments = (kind, name, self.known)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


class ModelError(FourgigError):
    """A model file is missing, truncated, not a GGUF, or cannot be loaded."""

    exit_code = 4


class EngineError(FourgigError):
    """The engine could not generate."""


class EngineBusy(EngineError):
    """The engine could not generate just now (it is short of memory, overloaded or out of reach)."""

    transient = True


class PromptTooLong(EngineError):
    """The prompt and the tokens asked for do not fit the engine's context."""


class StoreError(FourgigError):
    """Long-term memory could not be read or written."""

    exit_code = 9


class StoreBusy(StoreError):
    """Long-term memory is locked by another writer."""

    transient = True


class Refused(FourgigError):
    """The system will not take this request now; nothing was done for it.

    ``retry_after_s`` is the system's guess, in seconds, of when asking again makes sense.
    """

    def __init__(self, reason: str, retry_after_s: float) -> None:
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(f"Refused: {reason}; try again in {retry_after_s:.1f} s.")


class NotAllowed(FourgigError):
    """The caller may not do this."""


class NotKnown(NotAllowed):
    """The caller has not shown one of the tokens."""


class DeadlineExceeded(FourgigError):
    """The request's deadline passed before its reply was ready."""


class Abandoned(FourgigError):
    """Nobody waits for this generation any more; raised inside it, so that the engine stops."""


class SystemClosed(FourgigError):
    """The system was asked after it was closed, or before it was started."""
