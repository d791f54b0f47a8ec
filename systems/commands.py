"""Runtime commands: the first step of a turn, answered without a model."""

from __future__ import annotations

from collections.abc import Callable

HELP = "Commands: /help lists them, /forget empties this conversation's history."


def is_command(text: str) -> bool:
    """Return whether ``text`` is a command to the agent rather than a message to the model."""
    return text.lstrip().startswith("/")


def answer(text: str, *, forget: Callable[[], None]) -> str:
    """Carry out the command in ``text`` and return what to say; ``forget`` empties the session's history."""
    words = text.lstrip().removeprefix("/").split()
    match words:
        case ["forget"]:
            forget()
            return "This conversation's history is empty now."
        case ["help"]:
            return HELP
        case _:
            return f"There is no command /{words[0] if words else ''}. {HELP}"
