"""The place of a turn: no other of its conversation is under way, and its history stays held meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from systems.mechanisms.sessions import Sessions
from systems.turn.history import Histories


@asynccontextmanager
async def turn_of(talk: str, sessions: Sessions, histories: Histories) -> AsyncIterator[None]:
    """Wait for the turns of ``talk`` that came before, and keep its history from leaving until the end."""
    async with sessions.turn(talk):
        with histories.in_use(talk):
            yield
