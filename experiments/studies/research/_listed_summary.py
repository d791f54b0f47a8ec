"""How source 3 lists the rolling summary, rewritten: a faithful twin with its defects, to be measured and not used.

As listed: when a list has enough messages, all but the newest are summed up and the list becomes those newest, whatever
was appended to it meanwhile; a prompt has the summary and the last four messages; the shortened session is saved by a
task that nobody waits for; and the summary is begun as a task that nobody waits for or cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from experiments.studies.research._listed_saving import ListedState
from systems.engines.interface import Message

AFTER_MESSAGES, KEPT_MESSAGES = 10, 4
"""A summary is made of a list of so many messages, and leaves so many; a prompt has as many of the last as are left."""


class ListedSummary:
    """Sums up one session with ``summarise``, and has ``save`` save it shortened."""

    def __init__(
        self,
        state: ListedState,
        summarise: Callable[[str], Awaitable[str]],
        save: Callable[[ListedState], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._state = state
        self._summarise = summarise
        self._save = save

    async def maybe_summarise(self) -> bool:
        """Sum up what is long enough; return whether it was."""
        state = self._state
        if len(state.messages) < AFTER_MESSAGES:
            return False
        older, newest = state.messages[:-KEPT_MESSAGES], state.messages[-KEPT_MESSAGES:]
        text = "\n".join(f"{each.role.upper()}: {each.content}" for each in older)
        if state.summary:
            text = f"[Previous summary]: {state.summary}\n\n[New messages to add]:\n{text}"
        said = await self._summarise(text)
        state.summary = said.strip()
        state.messages = list(newest)  # what was appended to the list during the summary is gone
        if self._save is not None:
            asyncio.create_task(self._save(state))  # noqa: RUF006 - as listed
        return True

    def context(self) -> tuple[str, Sequence[Message]]:
        """Return what a prompt has: the summary, and the last messages."""
        return self._state.summary, self._state.messages[-KEPT_MESSAGES:]
