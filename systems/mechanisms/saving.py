"""Saving turns: at once, as traditionally; several at once, still before the reply; or in the background, after it.

No turn that was accepted is lost when the system closes, and one that is not accepted is an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

from systems.errors import FourgigError, NotSaved, StoreError
from systems.logs import swallowed
from systems.mechanisms.retrying import Backoff
from systems.memory.schema import SavedTurn

log = logging.getLogger(__name__)

# A store that fails is tried again, however it failed, after waits that grow from the first to the second number.
RETRY_FIRST_S, RETRY_LAST_S = 0.1, 5.0

# So many attempts in a row, or once the saver is closing so many more, decide that a store cannot be written.
DECIDING_ATTEMPTS = 3


Save = Callable[[Sequence[SavedTurn]], Awaitable[None]]
"""Saves turns, all of them or none. Raises `StoreError`."""


def nothing() -> None:
    """Do nothing: for those who need not know when a turn is taken over."""


class SaveAtOnce:
    """The traditional saving: the turn waits until it is on disk. ``saved`` counts turns, ``failures`` attempts.

    What is begun is done to the end, though whoever waits for it may leave.
    """

    def __init__(self, save: Save) -> None:
        self._save = save
        self._under_way: set[asyncio.Task[None]] = set()
        self.saved = 0
        self.failures = 0

    async def add(self, turn: SavedTurn, taken: Callable[[], None] = nothing) -> None:
        """Save ``turn``; once it is saved, call ``taken``, also if this was cancelled. Raises `StoreError`."""
        saving = asyncio.create_task(self._add(turn, taken), name="saving")
        self._under_way.add(saving)
        saving.add_done_callback(self._ended)
        await asyncio.shield(saving)

    async def _add(self, turn: SavedTurn, taken: Callable[[], None]) -> None:
        try:
            await self._save([turn])
        except StoreError:
            self.failures += 1
            raise
        self.saved += 1
        taken()

    def _ended(self, saving: asyncio.Task[None]) -> None:
        self._under_way.discard(saving)
        if not saving.cancelled():
            saving.exception()  # it was told to whoever waited; who left is not to hear of it from the event loop

    async def decided(self) -> None:
        """Return when it is known of each turn that was added whether it is saved."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    async def settled(self) -> None:
        """Return when nothing waits to be saved."""
        await self.decided()

    def waits(self, session: str, conversation: str) -> bool:  # noqa: ARG002
        """Return false: a turn is accepted when it is saved."""
        return False

    async def close(self) -> None:
        """Return when nothing waits to be saved."""
        await self.decided()


class _Waiting(NamedTuple):
    turn: SavedTurn
    committed: asyncio.Future[None]
    taken: Callable[[], None]


class GroupCommit:
    """Saves each turn before it is acknowledged; those that wait meanwhile share the next transaction.

    So a turn costs little more than the transaction that was under way when it came, however many there are. A save
    that fails for a passing reason is tried again; where turns of several fail together, each is then saved alone, so
    that nobody's failure is another's. ``saved`` counts turns, ``failures`` attempts.
    """

    def __init__(self, save: Save, *, batch: int, seed: int = 0) -> None:
        self._save = save
        self._batch = batch
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_LAST_S, Random(seed))
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._added = self._ended = 0
        self._changed = asyncio.Event()
        self.saved = 0
        self.failures = 0

    async def add(self, turn: SavedTurn, taken: Callable[[], None] = nothing) -> None:
        """Save ``turn``; when this returns it survives a killed process. Raises `NotSaved`.

        Once it is saved, ``taken`` is called, also if this was cancelled.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._added += 1
        self._waiting.append(_Waiting(turn, committed, taken))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="group commit")
        await committed

    async def decided(self) -> None:
        """Return when it is known of each turn that was added whether it is saved."""
        goal = self._added
        while self._ended < goal:
            self._changed.clear()
            await self._changed.wait()

    async def settled(self) -> None:
        """Return when nothing waits to be saved."""
        await self.decided()

    def waits(self, session: str, conversation: str) -> bool:  # noqa: ARG002
        """Return false: a turn is accepted when it is saved."""
        return False

    async def close(self) -> None:
        """Save what waits."""
        await self.decided()

    async def _run(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            failed = await self._committed(group)
            if failed is not None and len(group) > 1:
                for each in group:
                    self._told([each], await self._committed([each]))
            else:
                self._told(group, failed)

    async def _committed(self, group: Sequence[_Waiting]) -> Exception | None:
        """Save ``group`` in one transaction; return what was in the way, if it stayed there."""
        failures = 0
        while True:
            try:
                await self._save([each.turn for each in group])
            except Exception as error:  # noqa: BLE001 - whatever the store raises, those who wait must hear of it
                self.failures += 1
                failures += 1
                passing = isinstance(error, FourgigError) and error.transient
                if failures >= DECIDING_ATTEMPTS or not passing:
                    return error
                swallowed(log, "save failed, to be tried again", error, turns=len(group), retries=failures)
            else:
                self.saved += len(group)
                return None
            await asyncio.sleep(self._backoff.wait_s(failures))

    def _told(self, group: Sequence[_Waiting], failed: Exception | None) -> None:
        self._ended += len(group)
        self._changed.set()
        for _, committed, taken in group:
            if failed is None:
                taken()
            if committed.done():  # its caller left
                continue
            if failed is None:
                committed.set_result(None)
            else:
                raised = NotSaved(f"The turn could not be saved: {failed}")
                raised.__cause__ = failed
                committed.set_exception(raised)


class BackgroundSaver:
    """Saves turns in order, several in one transaction, while replies go out.

    When ``queue_limit`` turns wait, `add` waits too, unless saving fails: memory stays bounded, and nobody waits for a
    disk that is full. A failed save keeps its turns and is tried again. ``saved`` counts turns, ``failures`` attempts.
    """

    def __init__(self, save: Save, *, batch: int, queue_limit: int, seed: int = 0) -> None:
        self._save = save
        self._batch = batch
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_LAST_S, Random(seed))
        self._pending: deque[SavedTurn] = deque()
        self._queue_limit = queue_limit
        self._failing: Exception | None = None
        self._changed = asyncio.Event()
        self._work = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.saved = 0
        self.failures = 0

    async def add(self, turn: SavedTurn, taken: Callable[[], None] = nothing) -> None:
        """Accept ``turn``, and call ``taken``: it is saved at the latest when `close` returns.

        One whose adding is cancelled is not accepted. Raises `NotSaved` if there is no room for it, and saving has
        failed several times in a row.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="background saver")
        while len(self._pending) >= self._queue_limit:
            if self._failing is not None:
                raise NotSaved(
                    f"{len(self._pending)} turns wait to be saved, as many as may, and saving fails: {self._failing}"
                )
            self._changed.clear()
            await self._changed.wait()
        self._pending.append(turn)
        self._work.set()
        taken()

    async def decided(self) -> None:
        """Return at once: a turn is accepted when it is added, or never."""

    async def settled(self) -> None:
        """Return when all that was accepted before is saved. Raises `NotSaved` while saving fails."""
        accepted = self.saved + len(self._pending)
        while self.saved < accepted:
            if self._failing is not None:
                raise NotSaved(f"{len(self._pending)} turns wait to be saved, and saving fails: {self._failing}")
            self._changed.clear()
            await self._changed.wait()

    def waits(self, session: str, conversation: str) -> bool:
        """Return whether a turn of this conversation was accepted that is not saved yet."""
        return any((turn.session, turn.conversation) == (session, conversation) for turn in self._pending)

    async def close(self) -> None:
        """Save everything accepted. Raises `StoreError`, with the number of turns lost, if that fails."""
        self._closing.set()
        self._work.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._pending or not self._closing.is_set():
            await self._work.wait()
            while self._pending:
                await self._save_one_batch()
            if not self._closing.is_set():
                self._work.clear()

    async def _save_one_batch(self) -> None:
        turns = list(islice(self._pending, self._batch))
        failures = last_attempts = 0
        while True:
            if self._closing.is_set():
                last_attempts += 1
            try:
                await self._save(turns)
                break
            except Exception as error:  # whatever the store raises, turns that were acknowledged must not vanish
                self.failures += 1
                failures += 1
                if failures >= DECIDING_ATTEMPTS:
                    self._failing = error
                    self._changed.set()
                if last_attempts >= DECIDING_ATTEMPTS:
                    raise StoreError(f"{len(self._pending)} acknowledged turns could not be saved: {error}") from error
                swallowed(log, "save failed, to be tried again", error, turns=len(self._pending), retries=failures)
            await asyncio.sleep(self._backoff.wait_s(failures))
        for _ in turns:
            self._pending.popleft()
        self._failing = None
        self._changed.set()
        self.saved += len(turns)
