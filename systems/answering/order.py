"""The place of a turn: no other of its conversation is under way, and its history stays held meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from systems.mechanisms.sessions import Sessions
from systems.turn.history import Histories


@asynccontextmanager
async def turn_of(
    talk: str, sessions: Sessions, histories: Histories, place: AbstractAsyncContextManager[None] | None = None
) -> AsyncIterator[None]:
    """Wait for the turns of ``talk`` that came before, then for a ``place``; its history does not leave until the end.

    In this order: turns that wait for each other take up one place, and none stays live because it waits for one.
    """
    async with sessions.turn(talk), place or nullcontext():
        with histories.in_use(talk):
            yield
