"""The tiers below the hot one, as an agent uses them: what leaves its histories comes here, and is fetched from here.

Whatever is acknowledged is in the memory file before it is here. So a state may be lost, to a kill or for want of room:
it is made again from the saved turns. It must not be older than they are: a state leaves the file before its
conversation goes on, and never lies in two tiers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from systems.errors import BadInput, Damaged, StoreError, Unreachable
from systems.interface import session_of
from systems.logs import swallowed
from systems.tiered.tiers.cold import Cold
from systems.tiered.tiers.database import Database
from systems.tiered.tiers.dictionaries import Dictionaries
from systems.tiered.tiers.frozen import Frozen
from systems.tiered.tiers.interface import Fetched, KeptState, Size, Stage, TierName
from systems.tiered.tiers.ledger import Ledger, Reason
from systems.tiered.tiers.mover import Mover
from systems.tiered.tiers.objects import ObjectStore
from systems.tiered.tiers.packing import Packing
from systems.tiered.tiers.rhythm import Rhythm
from systems.tiered.tiers.turns import Turns
from systems.tiered.tiers.warm import Warm
from systems.turn.history import Exchange

T = TypeVar("T")

log = logging.getLogger(__name__)

FILE = "tiers.sqlite"


# Sessions that were asked for by name and are not frozen for a while; of more the oldest may be.
_MOST_WOKEN = 10_000


class Tiers:
    """The tiers in ``folder``. Used from one event loop, and by one agent at a time.

    ``warm_bytes`` and ``cold_bytes`` bound what is packed in memory and what the file has in use. Sessions that nobody
    asked for in ``freeze_after_s`` become bundles among ``objects``, of at most ``frozen_bytes`` together, and what
    they said leaves long-term memory by ``turns``; without these two nothing is frozen. A turn waits ``patience_s`` at
    most for a conversation. Without ``dictionary`` each is packed by itself; without ``prefetch`` none is brought
    nearer before it is asked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        warm_bytes: int,
        cold_bytes: int,
        frozen_bytes: int | None = None,
        objects: ObjectStore | None = None,
        turns: Turns | None = None,
        dictionary: bool = True,
        prefetch: bool = True,
        freeze_after_s: float = 24 * 3600.0,
        patience_s: float = 2.0,
    ) -> None:
        if (objects is None) != (turns is None):
            raise BadInput("Sessions are frozen only where both an object store and their turns are given.")
        self._database = Database(folder / FILE)
        self._packing = Packing()
        self._warm = Warm(warm_bytes)
        self._ledger = Ledger(self._warm.__contains__)
        self._cold = Cold(self._database, cold_bytes)
        self._frozen = None
        if objects is not None and turns is not None:
            self._frozen = Frozen(
                self._database, self._cold, self._packing, self._ledger, objects, turns, most_bytes=frozen_bytes
            )
        self._dictionaries = Dictionaries(self._database, self._packing)
        self._rhythm = Rhythm() if prefetch else None
        self._mover = Mover(
            self._ledger,
            self._packing,
            self._warm,
            self._cold,
            self._frozen,
            self._dictionaries if dictionary else None,
            self._rhythm,
            freeze_after_s=freeze_after_s,
        )
        self._patience_s = patience_s
        self._in_hand: dict[str, KeptState] = {}
        self._apart: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Open the file, end what a kill interrupted, and begin to move. Raises `StoreError`."""
        await self._database.open()
        try:
            await self._dictionaries.load()
            await self._cold.open()
            if self._frozen is not None:
                await self._frozen.open()
        except BaseException:
            await self._database.close()
            raise
        self._mover.start()

    async def close(self) -> None:
        """Let what is warm be cold, and close the file; a second call does nothing. Raises `StoreError`."""
        await self._mover.stop()
        if self._apart:
            await asyncio.gather(*self._apart, return_exceptions=True)
        try:
            if self._database.is_open:
                await self._mover.cool_all()
        finally:
            await self._database.close()

    def leave_hot(self, talk: str, exchanges: Sequence[Exchange]) -> None:
        """Take over ``exchanges`` of ``talk``, which is hot no longer; nothing is waited for."""
        ledger = self._ledger
        if talk in ledger.hot:
            ledger.fall(talk)
        uses = ledger.hot.pop(talk, 0) + 1
        try:
            packed = self._packing.pack(talk, exchanges) if exchanges else None
        except BadInput as error:
            swallowed(log, "a conversation could not be packed", error)
            ledger.lost["not packed"] += 1
            packed = None
        if self._warm.pop(talk) is not None:  # what was brought nearer meanwhile is older
            ledger.fall(talk)
        if packed is not None:
            self._lie_warm(KeptState(talk, packed, time.time(), uses))
            ledger.moves["hot", "warm"] += 1

    async def fetch(self, talk: str) -> Fetched | None:
        """Return the conversation ``talk``, which is hot from now on; None if none lies here.

        What was saved of its session is in long-term memory then. Raises `StoreError` (`Damaged`, `StoreBusy`,
        `Unreachable`) if it cannot be had, or not in time; what lies here of it is then not valid any more.
        """
        started = time.perf_counter()
        session = session_of(talk)
        self._ledger.touch(session)
        self._mover.arrived(session)
        if self._rhythm is not None:
            self._rhythm.note(session)
        tier: TierName = "warm"
        try:
            if self._ledger.lock(session).locked() or talk not in self._warm:
                tier, state = await self._in_time(talk, session)
            else:
                state = self._warm.pop(talk)
                assert state is not None
                self._ledger.fall(talk)
            self._ledger.heat(talk, state.uses if state else 0)
            if state is None:
                return None
            exchanges = self._packing.unpack(talk, state.packed)
        except StoreError as error:
            self._ledger.failures += 1
            if isinstance(error, Damaged):
                self._ledger.lost["damaged"] += 1
            self._ledger.heat(talk, 0)
            self._ledger.stale.add(talk)
            self._mover.wake()
            raise
        self._ledger.moves[tier, "hot"] += 1
        return Fetched(exchanges, tier, time.perf_counter() - started)

    async def wake(self, session: str) -> None:
        """Have what was saved of ``session`` in long-term memory. Raises `StoreError`."""
        self._note(session)
        if self._frozen is not None:
            await self._shielded(self._thawed(session))

    async def forget(self, session: str) -> list[str]:
        """Have no state of any conversation of ``session`` left, also in no file; its turns are in long-term memory.

        Return the conversations that lay here. Raises `StoreError`, of which `StillReadable` says that a bundle could
        not be deleted yet; what is in memory is gone then all the same.
        """
        self._note(session)
        return await self._shielded(self._forgotten(session, erase=False))

    async def erase(self, session: str) -> None:
        """Do so, and have nothing left of what was frozen either, which is not brought back for that.

        Raises `StoreError`. A bundle whose store does not answer can be read by nobody here, and goes when it does.
        """
        self._ledger.touch(session)
        await self._shielded(self._forgotten(session, erase=True))

    def expect(self, session: str) -> None:
        """Bring ``session`` nearer if there is room: it is about to be asked for, as when its socket opened."""
        if self._rhythm is not None:
            self._mover.expect(session)

    def where(self, talk: str) -> TierName | None:
        """Return the tier that ``talk`` lies in; None if no state of it is kept. Raises `StoreError`."""
        if talk in self._ledger.hot:
            return "hot"
        if talk in self._warm:
            return "warm"
        if self._cold.has(talk):
            return "cold"
        return "frozen" if self._frozen is not None and self._frozen.has(session_of(talk)) else None

    def sizes(self) -> dict[TierName, Size]:
        """Return how much lies in each tier below the hot one, whose bytes the histories know."""
        sizes: dict[TierName, Size] = {
            "hot": Size(len(self._ledger.hot), 0),
            "warm": self._warm.size(),
            "cold": self._cold.size(),
        }
        if self._frozen is not None:
            sizes["frozen"] = self._frozen.size()
        return sizes

    def trim(self, stage: Stage) -> None:
        """Use as little memory as ``stage`` asks for, from now on."""
        self._mover.trim(stage)

    @property
    def moves(self) -> Counter[tuple[TierName, TierName]]:
        """How many conversations went from one tier to another."""
        return self._ledger.moves

    @property
    def lost(self) -> Counter[Reason]:
        """How many states were given up, to be made again from their turns."""
        return self._ledger.lost

    @property
    def failures(self) -> int:
        """How many moves did not come about."""
        return self._ledger.failures

    async def moved(self) -> None:
        """Return when nothing is left that should move now. Raises nothing: what fails stays where it is."""
        await self._mover.settled()

    async def freeze(self, session: str) -> bool:
        """Freeze ``session`` at once; return whether that was possible: not while it is in use. Raises `StoreError`."""
        if self._frozen is None:
            return False
        await self._mover.cool_session(session)
        return await self._shielded(self._frozen.freeze(session))

    def _note(self, session: str) -> None:
        """Note that ``session`` is asked for by name: none of its conversations need be in use for that."""
        self._ledger.touch(session)
        if self._frozen is not None:
            woken = self._ledger.woken
            woken.pop(session, None)
            woken[session] = time.time()
            if len(woken) > _MOST_WOKEN:
                del woken[next(iter(woken))]

    async def _in_time(self, talk: str, session: str) -> tuple[TierName, KeptState | None]:
        waiting = _Waiting()
        task = self._task(self._brought(talk, session, waiting))
        task.add_done_callback(_noted)
        try:
            async with asyncio.timeout(self._patience_s):
                tier = await asyncio.shield(task)
        except TimeoutError:
            self._in_hand.pop(talk, None)
            raise Unreachable(
                f"A conversation could not be brought back within {self._patience_s:g} s; it goes on without."
            ) from None
        except asyncio.CancelledError:
            if (state := self._in_hand.pop(talk, None)) is not None:
                self._lie_warm(state)
            raise
        finally:
            waiting.over = True
        return tier, self._in_hand.pop(talk, None)

    async def _brought(self, talk: str, session: str, waiting: _Waiting) -> TierName:
        """Have the state of ``talk`` in hand, so that it lies nowhere any more; return where it lay.

        If nobody waits any more it lies warm then, unless its conversation went on without it.
        """
        async with self._ledger.lock(session):
            tier, state = await self._taken(talk, session)
            if state is not None and not waiting.over:
                self._in_hand[talk] = state
            elif state is not None and not self._ledger.holds(talk):
                self._lie_warm(state)
            return tier

    async def _taken(self, talk: str, session: str) -> tuple[TierName, KeptState | None]:
        if (state := self._warm.pop(talk)) is not None:  # it was about to move, or has been brought nearer
            self._ledger.fall(talk)
            return "warm", state
        tier: TierName = "cold"
        if self._frozen is not None and await self._frozen.thaw(session):
            tier = "frozen"
        if talk in self._ledger.stale:
            await self._cold.remove(talk)
            self._ledger.stale.discard(talk)
            return tier, None
        try:
            return tier, await self._cold.take(talk)
        except StoreError:
            # What cannot be written can often be read: a full disk, another writer. It is stale from now on.
            state = await self._cold.get(talk)
            if state is not None:
                self._ledger.stale.add(talk)
                self._mover.wake()
            return tier, state

    async def _thawed(self, session: str) -> None:
        assert self._frozen is not None
        async with self._ledger.lock(session):
            await self._frozen.thaw(session)

    async def _forgotten(self, session: str, *, erase: bool) -> list[str]:
        async with self._ledger.lock(session):
            lay = list(self._warm.talks_of(session))
            for talk in lay:
                self._warm.pop(talk)
                self._ledger.fall(talk)
            if self._frozen is not None:
                await self._let_go(self._frozen, session, erase=erase)
            lay += [state.talk for state in await self._cold.of(session)]
            await self._cold.forget(session)
            self._ledger.stale = {talk for talk in self._ledger.stale if session_of(talk) != session}
            await self._dictionaries.forget(session, self._cold)
            if self._frozen is not None and not erase:
                await self._frozen.refuse_left(session)
            return lay

    async def _let_go(self, frozen: Frozen, session: str, *, erase: bool) -> None:
        if not erase:
            try:
                await frozen.thaw(session)
            except Damaged as error:  # nobody will ever read it: what is to be forgotten goes with it
                swallowed(log, "a damaged bundle is let go of", error)
            else:
                return
        await frozen.erase(session)

    def _lie_warm(self, state: KeptState) -> None:
        self._ledger.rise(state.talk)
        for left in self._warm.add(state):
            self._ledger.fall(left)
            self._ledger.lost["no room"] += 1
        self._mover.wake()

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name="tiers")
        self._apart.add(task)
        task.add_done_callback(self._apart.discard)
        return task

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns; once begun, it is not left half done when the caller is cancelled."""
        return await asyncio.shield(self._task(work))


class _Waiting:
    """Whether the turn that asked for a conversation still waits for it."""

    over = False


def _noted(task: asyncio.Task[Any]) -> None:
    """Say what went wrong also when nobody waits for it any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        swallowed(log, "a conversation could not be brought back", error)
