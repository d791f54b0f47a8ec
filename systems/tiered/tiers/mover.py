"""What moves conversations from tier to tier, beside the turns and never in one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice

from systems.errors import StoreError, Unreachable
from systems.interface import session_of
from systems.tiered.tiers.cold import Cold
from systems.tiered.tiers.dictionaries import Dictionaries
from systems.tiered.tiers.frozen import Frozen
from systems.tiered.tiers.interface import KeptState, Stage
from systems.tiered.tiers.ledger import Ledger
from systems.tiered.tiers.looking import Looking
from systems.tiered.tiers.packing import Packing
from systems.tiered.tiers.rhythm import Rhythm
from systems.tiered.tiers.warm import Warm

# A tier that is fuller than the first share of its bound is emptied down to the second: what leaves the hot one finds
# room at once, and a commit moves many.
_FULL, _EMPTIED = 0.8, 0.6
# Seconds. Who opens a socket asks a while later; who asks at once is served by the turn itself, and to bring a session
# nearer would only be in its way.
_SOON_S = 0.1
# Seconds between attempts that fail, at most: to move something within this machine, and to an object store.
_NEAR_S, _FAR_S = 5.0, 60.0
# States moved in one commit.
_BATCH = 64
# Seconds between two looks where nothing makes it look before: at the warm tier, and at what is done at leisure.
_PERIOD_S, _LEISURE_S = 1.0, 5.0
# Sessions frozen in one go: turns of others come in between.
_AT_ONCE = 8
# Seconds. What was in use so lately is not frozen, however full the cold tier is.
_AT_REST_S = 60.0


class Mover:
    """Moves states by recency, frequency and size (`Warm`, `Cold`), and sessions that nobody asked for."""

    def __init__(
        self,
        ledger: Ledger,
        packing: Packing,
        warm: Warm,
        cold: Cold,
        frozen: Frozen | None,
        dictionaries: Dictionaries | None,
        rhythm: Rhythm | None,
        *,
        freeze_after_s: float,
    ) -> None:
        self._ledger = ledger
        self._packing = packing
        self._warm = warm
        self._warm_bytes = warm.most_bytes
        self._cold = cold
        self._frozen = frozen
        self._dictionaries = dictionaries
        self._rhythm = rhythm
        self._freeze_after_s = freeze_after_s
        self._stage: Stage = 0
        self._expected: dict[str, None] = {}
        # Apart, for the latter two may wait for an object store.
        self._cooling = Looking("cooling", self._look_at_warm, ledger, _PERIOD_S, retry_last_s=_NEAR_S)
        self._nearer = Looking("bringing nearer", self._bring_nearer, ledger, _LEISURE_S, retry_last_s=_FAR_S)
        self._leisure = Looking("moving at leisure", self._look_at_leisure, ledger, _LEISURE_S, retry_last_s=_FAR_S)

    def start(self) -> None:
        """Begin to move."""
        self._cooling.start()
        if self._rhythm is not None:
            self._nearer.start()
        self._leisure.start()

    async def stop(self) -> None:
        """Move nothing more; a move that is under way may be left where a kill could leave it."""
        for looking in (self._cooling, self._nearer, self._leisure):
            await looking.stop()

    def wake(self) -> None:
        """Look soon whether something should leave the warm tier."""
        self._cooling.wake()

    async def settled(self) -> None:
        """Return when it has looked, and has done what there was to do."""
        await self._cooling.settled()
        if self._rhythm is not None:
            await self._nearer.settled()
        await self._leisure.settled()

    def expect(self, session: str) -> None:
        """Bring ``session`` nearer soon, if nothing of it is near."""
        if not self._ledger.in_use(session):
            self._expected[session] = None
            asyncio.get_running_loop().call_later(_SOON_S, self._nearer.wake)

    def arrived(self, session: str) -> None:
        """Expect ``session`` no longer: it has asked. What it leaves later is not brought nearer for that."""
        self._expected.pop(session, None)

    def trim(self, stage: Stage) -> None:
        """Hold as much in memory as ``stage`` leaves: from the second on half of it, in the third nothing."""
        self._stage = stage
        self._warm.most_bytes = self._warm_bytes if stage < 2 else self._warm_bytes // 2
        self.wake()

    async def cool_all(self) -> None:
        """Let everything that is warm be cold. Raises `StoreError`."""
        await self._cool_down_to(0)

    async def cool_session(self, session: str) -> None:
        """Let what is warm of ``session`` be cold. Raises `StoreError`."""
        states = [state for talk in self._warm.talks_of(session) if (state := self._warm.get(talk)) is not None]
        await self._cool(states)

    async def _look_at_warm(self) -> None:
        if self._warm.size().bytes > _FULL * self._most_warm():
            await self._cool_down_to(int(_EMPTIED * self._most_warm()))
        await self._drop_stale()

    async def _look_at_leisure(self) -> None:
        if self._dictionaries is not None:
            await self._dictionaries.train(self._cold)
            while await self._dictionaries.repack(self._cold):
                pass
        if self._frozen is not None:
            await self._frozen.sweep()
            await self._freeze(self._frozen)
        await self._cold.tidy()

    def _most_warm(self) -> int:
        return self._warm.most_bytes if self._stage < 3 else 0

    async def _cool_down_to(self, most_bytes: int) -> None:
        while self._warm.size().bytes > most_bytes:
            if not await self._cool(self._warm.lowest(_BATCH)):
                return  # all of it is being asked for just now

    async def _cool(self, states: Sequence[KeptState]) -> int:
        """Move ``states`` from warm to cold, save those whose session is being asked for; return how many went."""
        ledger = self._ledger
        async with AsyncExitStack() as held:
            batch: list[KeptState] = []
            ours: set[str] = set()
            for state in states:
                session = session_of(state.talk)
                if session not in ours:
                    lock = ledger.lock(session)
                    if lock.locked():
                        continue
                    await held.enter_async_context(lock)
                    ours.add(session)
                # It may have been fetched while a lock was waited for.
                if self._warm.get(state.talk) is state:
                    batch.append(state)
            if not batch:
                return 0
            left = await self._cold.put(
                [state._replace(packed=self._packing.repacked(state.packed)) for state in batch]
            )
            for state in batch:
                if self._warm.get(state.talk) is not state:  # it went on meanwhile
                    ledger.stale.add(state.talk)
                    continue
                self._warm.pop(state.talk)
                ledger.fall(state.talk)
                ledger.stale.discard(state.talk)
            ledger.moves["warm", "cold"] += len(batch)
            if left:
                ledger.lost["no room"] += len(left)
            return len(batch)

    async def _drop_stale(self) -> None:
        for talk in list(self._ledger.stale):
            async with self._ledger.lock(session_of(talk)):
                if talk in self._ledger.stale:  # else a newer state has taken its place meanwhile
                    await self._cold.remove(talk)
                    self._ledger.stale.discard(talk)

    async def _bring_nearer(self) -> None:
        assert self._rhythm is not None
        expected = [*self._expected, *self._rhythm.due(2 * _LEISURE_S)]
        self._expected.clear()
        if self._stage > 0:
            return
        for session in expected:
            if self._ledger.in_use(session):  # it has been asked for already
                continue
            async with self._ledger.lock(session):
                if self._frozen is not None:
                    await self._frozen.thaw(session)
                for state in await self._cold.of(session):
                    if self._ledger.holds(state.talk):
                        continue
                    if self._warm.size().bytes + len(state.packed) > _EMPTIED * self._most_warm():
                        return
                    await self._cold.remove(state.talk)
                    self._ledger.rise(state.talk)
                    self._ledger.moves["cold", "warm"] += 1
                    for left in self._warm.add(state):
                        self._ledger.fall(left)
                        self._ledger.lost["no room"] += 1

    async def _freeze(self, frozen: Frozen) -> None:
        now = time.time()
        woken = self._ledger.woken
        for session in [session for session, at in woken.items() if now - at > self._freeze_after_s]:
            del woken[session]
        full = self._cold.size().bytes > _FULL * self._cold.most_bytes
        before = now - (min(_AT_REST_S, self._freeze_after_s) if full else self._freeze_after_s)
        failed: StoreError | None = None
        unfit = len(woken) + len(self._ledger.hot)
        idle = await self._cold.idle(before, _AT_ONCE + unfit)
        fit = (session for session in idle if session not in woken and not self._ledger.in_use(session))
        for session in islice(fit, _AT_ONCE):
            try:
                if await frozen.freeze(session):
                    self._leisure.wake()  # there may be more of them
            except Unreachable:
                raise
            except StoreError as error:  # something about this session: the others need not wait for it
                failed = error
        if failed is not None:
            raise failed
