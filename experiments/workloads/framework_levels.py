"""What the study of frameworks calls its conditions, looks and outcomes: trials, measures and figures say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

BARE = "bare"
"""A client and a list of messages: what no framework can be below."""

OURS = ("baseline", "asynchronous")
"""The lab's agents that frameworks are compared with."""

WINDOW = 12
"""Messages of the history in a prompt, besides the question, in the condition of one window."""

WINDOWS: Mapping[int, str] = {WINDOW: f"one window of {WINDOW} messages", 0: "as each comes"}
"""The two conditions by their window, in words. They are never compared with each other."""

LOOKED = ("first", "quarter", "three-quarters", "last")
"""The turns of a long session after which is looked."""

KILLED, CLOSED = "killed", "closed"
"""How a system ends in the part `kills`."""

REFUSES, TRIMS = "refuses", "trims"
"""What an endpoint does with a prompt that is too long, in the part `overflow`."""

FullContext = Literal["refused", "truncated", "error", "growth"]
"""What became of a conversation that does not fit a context. Of the last two nobody tells the user."""

FULL_CONTEXT: Mapping[FullContext, str] = {
    "refused": "turns fail because the endpoint refused their prompt",
    "truncated": "all turns are answered, and the system left out or shortened what was said first",
    "error": "turns fail in another way",
    "growth": "all turns are answered, and prompts grow beyond the context, where the endpoint cuts them",
}
"""Each of these in words."""


def ends(mark: str) -> str:
    """Return the name of the look with which the turns up to ``mark`` end."""
    return f"turn-{mark}"


def begins(mark: str) -> str:
    """Return the name of the look with which those after ``mark`` begin, when what is held has been read."""
    return f"after-{mark}"
