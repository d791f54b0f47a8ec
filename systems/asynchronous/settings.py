"""The asynchronous agent's settings. Every mechanism can be off; off means the traditional way."""

from __future__ import annotations

from systems.answering import settings
from systems.answering.settings import AnsweringSettings
from systems.settings import Positive

SAFEGUARDS = settings.SAFEGUARDS

MECHANISMS = (*settings.MECHANISMS, "growing_prompts", "background_saving", *SAFEGUARDS)


class AsynchronousSettings(AnsweringSettings, frozen=True, kw_only=True):
    """Besides those of the turn: two mechanisms, and how many turns may wait to be saved.

    ``growing_prompts`` keeps each question in the history as it was sent, in layouts that may, so that a history only
    grows. With ``background_saving`` replies do not wait for the disk.
    """

    growing_prompts: bool = True
    background_saving: bool = True
    save_queue: Positive = 1024

    def grows(self) -> bool:
        """Return whether questions are to stay in the history as they were sent."""
        return self.growing_prompts


def everything_off() -> AsynchronousSettings:
    """Return the settings with every mechanism off: an asynchronous shell around the traditional turn."""
    return AsynchronousSettings(**dict.fromkeys(MECHANISMS, False))  # type: ignore[arg-type]
