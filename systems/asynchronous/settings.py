"""The asynchronous agent's settings. Every mechanism can be off; off means the traditional way."""

from __future__ import annotations

from systems.answering.settings import MECHANISMS, SAFEGUARDS, AnsweringSettings

__all__ = ["MECHANISMS", "SAFEGUARDS", "AsynchronousSettings", "everything_off"]


class AsynchronousSettings(AnsweringSettings, frozen=True, kw_only=True):
    """Those of the turn, and no others."""


def everything_off() -> AsynchronousSettings:
    """Return the settings with every mechanism off: an asynchronous shell around the traditional turn."""
    return AsynchronousSettings(**dict.fromkeys(MECHANISMS, False))  # type: ignore[arg-type]
