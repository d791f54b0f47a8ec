"""The ways a run fails on purpose; `systems.errors.ExitCode` says what each exit code means."""

from __future__ import annotations

from systems.errors import ExitCode, FourgigError, words


def reason(error: BaseException) -> str:
    """Return what another package's error says, in one line without its full stop; its type where it says nothing."""
    return words(error).removesuffix(".") or type(error).__name__


class CannotEnforce(FourgigError):
    """The profile is not to be had on this machine; the message tells the remedy."""

    exit_code = ExitCode.CANNOT_ENFORCE


class EngineFailed(FourgigError):
    """A trial's engine, in a process of its own, did not get as far as being asked."""


class ServiceFailed(FourgigError):
    """A service that a trial needs did not get ready, or ended before the trial did."""


class Unrecordable(FourgigError):
    """A role, or a plan, says a number that is infinite or none, or text that is not UTF-8; the message says where."""


class StorageError(FourgigError):
    """A result cannot be written: no space, no right, or no folder. What was measured before is safe."""

    exit_code = ExitCode.CANNOT_WRITE


class Interrupted(FourgigError):
    """A person stopped the command; the message says what is safe and how to go on."""

    exit_code = ExitCode.INTERRUPTED


class WholeBlockVoid(FourgigError):
    """Every trial of a block was void: the run stopped before it spent more time on what cannot count."""

    exit_code = ExitCode.WHOLE_BLOCK_VOID


class RunFolderError(FourgigError):
    """A run folder is in use, of another schema, or not a run at all."""

    exit_code = ExitCode.BAD_RUN


class UnfinishedRun(RunFolderError):
    """Some of a run's planned trials have no record yet; the message says how to go on."""
