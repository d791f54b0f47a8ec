"""Can the reader read a prompt? Only one that is laid out, and says what it says, as those it was trained on.

They were laid out by `systems.turn.prompt.build` as "bracketed", of what the user had said word for word, but for line
breaks and brackets (`note`, `Layout.unframed`). An agent with another layout may do as well with a model that can read
anything: what the reader makes of its prompts says little of the agent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from systems.engines.interface import Message
from systems.interface import Observed
from systems.turn.layouts import LAYOUTS
from systems.turn.prompt import build, note

_NOTE = "\n- "
_CONTEXT = re.compile(r"\[time: (.*?); machine: (.*?); mood: (.*?); earlier notes:(.*)\]\n", re.DOTALL)


def is_known(messages: Sequence[Message], question: str, said: Collection[str]) -> bool:
    """Return whether the reader was trained on prompts like ``messages``, sent for ``question``.

    They are taken apart, and must be what `build` makes of the parts; notes and history must be of what was ``said``.
    """
    unframed = LAYOUTS["bracketed"].unframed
    question = unframed(question)
    if len(messages) < 2 or not messages[-1].content.endswith(question):
        return False
    context = _CONTEXT.fullmatch(messages[-1].content.removesuffix(question))
    if context is None:
        return False
    clock, machine, mood, notes = context.groups()
    memories = notes.split(_NOTE)[1:]
    history = messages[1:-1]
    roles = [message.role for message in history]
    told = [message.content for message in history if message.role == "user"]
    return (
        roles == ["user", "assistant"] * (len(history) // 2)
        and set(memories) <= {note(line) for line in said}
        and set(told) <= {unframed(line) for line in said}
        and list(messages) == build("bracketed", history, memories, Observed(clock, machine, mood), question)
    )
