"""The settings of the agent made of the package agenticaiframework."""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.settings import Positive


class FrameworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set of the package; the defaults are its own where it has any.

    ``context_tokens`` is how much of a conversation its context manager keeps, in what it counts as tokens.
    ``memories`` is how many earlier questions are looked up for a turn (its agent shows five at most),
    ``memories_kept`` how many of a session its memory keeps. ``sessions`` is how many of them are in memory at once.
    ``cache`` serves a prompt that was answered before; ``attempts`` is how often its model manager calls a model that
    fails. ``deadline_s`` bounds a request that brings no deadline of its own.
    """

    context_tokens: Positive = 4096
    memories: Annotated[int, msgspec.Meta(ge=0, le=5)] = 3
    memories_kept: Positive = 1000
    sessions: Positive = 1000
    cache: bool = True
    attempts: Positive = 3
    deadline_s: Annotated[float, msgspec.Meta(gt=0)] = 300.0
