"""Every way this project fails on purpose: one type a cause, one sentence a message, one exit code a kind.

An error that is not of these types is a defect: it exits with `ExitCode.DEFECT` and a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar, Self


class ExitCode(IntEnum):
    """How the command ended, and what that means: the table of docs/command.md, which a test holds to this one."""

    meaning: str

    DONE = 0, "done; trials may still have ended badly: the report counts them"
    DEFECT = 1, "a defect of the lab, with a traceback"
    BAD_INPUT = 2, "bad input: an unknown name (the nearest ones are offered), an option that does not fit"
    CANNOT_ENFORCE = 3, "the profile is not to be had here; the message tells what is missing and how to get it"
    BAD_MODEL = 4, "the model is missing, truncated, or not a model"
    CANNOT_WRITE = 5, "results or the cache cannot be written: no space, no right, no folder"
    BAD_RUN = 6, "the run folder is in use, of another schema, changed since, or no run"
    NOTHING_MEASURED = 7, "no trial ended `ok`: nothing was measured"
    WORSE = 8, "`fourgig compare`: something got worse, or more trials, values or requests were lost"
    BAD_MEMORY_FILE = 9, "the memory file is in use, of a newer schema, or no memory file"
    NO_ANSWER = 10, "a server or an endpoint cannot be reached, refuses, or ended the conversation"
    UNFIT = 11, "`fourgig doctor`: something else than the profile is amiss with this machine"
    FAILED = 12, "something that the command started failed or was killed; the message names it"
    WHOLE_BLOCK_VOID = 13, "every trial of a block was void, and the run stopped; the message says why and how to go on"
    STILL_READABLE = (
        14,
        "`fourgig memory`: deleted, but still to be read in the file until whoever has it open closes it",
    )
    INTERRUPTED = 130, "interrupted; what was measured is safe, and the message says how to go on"

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make the member that is ``value``."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code


_MOST_WORDS = 2000  # characters


def words(error: BaseException) -> str:
    """Return what an error says, in one line without what a terminal obeys or no file can hold, and not without end.

    Saying it may be somebody else's code, and may fail.
    """
    try:
        text = " ".join(str(error).split())[:_MOST_WORDS]
    except Exception:  # noqa: BLE001 - as above
        return "what it says cannot be read"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def told(error: BaseException) -> str:
    """Return an error's type and what it says, in one line."""
    return f"{type(error).__name__}: {words(error)}".removesuffix(": ")


class FourgigError(Exception):
    """Base of every error a person can cause or meet; its text is one clear sentence."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    transient: ClassVar[bool] = False
    """Whether the same call may succeed in a moment, and left nothing half done."""


class BadInput(FourgigError):
    """An argument, a setting or a file does not say what it must."""

    exit_code = ExitCode.BAD_INPUT


class NotKept(BadInput):
    """An agent keeps nothing of its conversations that could be looked into."""


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

    exit_code = ExitCode.BAD_MODEL


class CannotWrite(FourgigError):
    """A model, or what is kept between commands, has no place or no space; the message names it, or what to set."""

    exit_code = ExitCode.CANNOT_WRITE


class EngineError(FourgigError):
    """The engine could not generate."""

    exit_code = ExitCode.NO_ANSWER


class EngineBusy(EngineError):
    """The engine could not generate just now (it is short of memory, overloaded or out of reach)."""

    transient = True


class PromptTooLong(EngineError):
    """The prompt and the tokens asked for do not fit the engine's context."""


class CallsSpent(EngineError):
    """A turn has called the model as often as it may."""


class MessagesRefused(EngineError):
    """The model's chat template takes no messages of such roles, or in such an order."""


class BiasRefused(BadInput):
    """A token is given a bias that the model's vocabulary does not have, or a bias that cannot be added."""


class NotHeeded(EngineError):
    """The engine cannot do what a call asks of it; ``field`` is the call's, or its sampling's.

    Nothing was generated.
    """

    def __init__(self, field: str, what: str) -> None:
        self.field = field
        super().__init__(f"This engine cannot {what}.")
        self._arguments = (field, what)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


class StoreError(FourgigError):
    """Long-term memory could not be read or written."""

    exit_code = ExitCode.BAD_MEMORY_FILE


class StoreBusy(StoreError):
    """Long-term memory is locked by another writer."""

    transient = True


class Damaged(StoreError):
    """What was kept is not what was written, or lacks what it is read with: it cannot be read."""


class BaseMissing(Damaged):
    """A state was stored as what differs from another one, its base, which is not there: neither can be had."""

    def __init__(self, session: str, step: int, base: int) -> None:
        self.session = session
        self.step = step
        self.base = base
        super().__init__(
            f"State {step} of the session {session!r} was stored as what differs from state {base}, which is missing."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.session, self.step, self.base)


class Unreachable(StoreError):
    """An object store is not there, or does not answer in time."""

    transient = True


class StillReadable(StoreError):
    """Turns were deleted, but what they said can still be read in the file or in its journal."""

    exit_code = ExitCode.STILL_READABLE


class NotSaved(StoreError):
    """Saving fails, and as many turns wait to be saved as may: this one is not among them.

    Or it belongs to what was being forgotten.
    """


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


class SystemFailed(FourgigError):
    """A system of another interpreter failed; the message has the type and the words of its error there."""


class SystemClosed(FourgigError):
    """The system was asked after it was closed, or before it was started."""
