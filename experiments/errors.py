"""The ways a run fails on purpose, each with the exit code the command documents."""

from __future__ import annotations

from systems.errors import FourgigError


class CannotEnforce(FourgigError):
    """No backend of this machine can enforce the profile; the message tells the remedy."""

    exit_code = 3


class ServiceFailed(FourgigError):
    """A service that a trial needs did not get ready, or ended before the trial did."""


class StorageError(FourgigError):
    """A result cannot be written: no space, no right, or no folder. What was measured before is safe."""

    exit_code = 5


class Interrupted(FourgigError):
    """A person stopped the command; the message says what is safe and how to go on."""

    exit_code = 130


class RunFolderError(FourgigError):
    """A run folder is in use, of another schema, or not a run at all."""

    exit_code = 6


class UnfinishedRun(RunFolderError):
    """Some of a run's planned trials have no record yet; the message says how to go on."""
