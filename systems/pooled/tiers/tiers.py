"""The tiers below the live conversations: hot, warm and cold, each left by age, or where there is no room.

Whatever is acknowledged is in the memory file before it is here. So a state may be lost, to a kill, to a server that is
away or for want of room: it is made again from the saved turns, and a turn asks whether it still ends as they do.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from systems.errors import BadInput, Damaged, StillReadable, StoreError, Unreachable
from systems.interface import session_of
from systems.logs import swallowed
from systems.pooled.tiers.held import HeldState, HeldStates, pack, unpack
from systems.pooled.tiers.shelves import Shelf, Shelves
from systems.turn.history import Exchange

log = logging.getLogger(__name__)

PooledTier = Literal["hot", "warm", "cold"]

# So many conversations are put on a shelf at once: a turn that wants another one from there waits for these.
_AT_ONCE = 64


class HotStates(Protocol):
    """Where hot states are that are not in this process's memory; every method may raise `Unreachable`."""

    async def open(self) -> None:
        """Let go of what another run left."""
        ...

    async def put(self, talk: str, packed: bytes) -> None:
        """Hold ``packed`` for ``talk``."""
        ...

    async def get(self, talk: str) -> bytes | None:
        """Return what is held of ``talk``, which stays."""
        ...

    async def take(self, talk: str) -> bytes | None:
        """Return what is held of ``talk``, which is there no longer."""
        ...

    async def delete(self, talks: Sequence[str]) -> None:
        """Hold nothing of ``talks``."""
        ...

    async def close(self) -> None:
        """Let go of the store, not of what it holds."""
        ...


class Ages(NamedTuple):
    """How long nobody uses a conversation, in seconds, until it leaves each tier."""

    hot_s: float
    warm_s: float
    cold_s: float


class Bounds(NamedTuple):
    """How many bytes may lie in each tier."""

    hot: int
    warm: int
    cold: int


class Brought(NamedTuple):
    """A conversation that was not live: what was said in it, the ``tier`` it lay in, and what it took to have it."""

    exchanges: tuple[Exchange, ...]
    tier: PooledTier
    seconds: float


class PooledTiers:
    """The tiers in ``folder``, in the ``bounds``. Used from one event loop, and by one agent at a time.

    With ``hot`` what is hot lies there, and in this process only until it is. Without ``ages`` nothing moves but for
    want of room; with them `clean` is called every ``every_s``, after ``before_cleaning``. A turn waits ``patience_s``
    at most. ``clock`` tells seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        bounds: Bounds,
        *,
        hot: HotStates | None = None,
        ages: Ages | None = None,
        every_s: float = 60.0,
        before_cleaning: Callable[[], None] = lambda: None,
        patience_s: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bounds = bounds
        self._hot = hot
        self._ages = ages
        self._every_s = every_s
        self._before_cleaning = before_cleaning
        self._patience_s = patience_s
        self._clock = clock
        self._near = HeldStates()
        self._there = HeldStates()  # what is in the hot store, without the bytes
        self._astray: set[str] = set()  # what may be there still, though nobody wants it
        self._shelves = Shelves(folder, self._damaged)
        self._moving = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.moves: Counter[tuple[PooledTier | Literal["live"], PooledTier | Literal["live"]]] = Counter()
        self.lost: Counter[str] = Counter()
        self.failures = 0

    async def open(self) -> None:
        """Open what is on disk and the hot store, and begin to move. Raises `StoreError`, `Unreachable`."""
        await self._shelves.open()
        try:
            if self._hot is not None:
                await self._hot.open()
        except BaseException:
            await self._shelves.close()
            raise
        self._task = asyncio.create_task(self._run(), name="tiers")

    async def close(self) -> None:
        """Let what is hot lie warm, so that another run finds it, and close everything."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        try:
            async with self._moving:
                await self._to_shelves([*self._there, *self._near])
        finally:
            if self._hot is not None:
                await self._hot.close()
            await self._shelves.close()

    # As a turn uses them.

    def leave_hot(self, talk: str, exchanges: Sequence[Exchange]) -> None:
        """Take over ``exchanges`` of ``talk``, which is live no longer; nothing is waited for."""
        self._near.pop(talk)  # it is older, as is what the hot store may have
        if self._there.pop(talk) is not None:
            self._astray.add(talk)
        if not exchanges:
            return
        try:
            packed = pack(exchanges)
        except BadInput as error:
            swallowed(log, "a conversation could not be packed", error)
            self.lost["not packed"] += 1
            return
        self._near.put(HeldState(talk, packed, len(packed), self._clock()))
        self.moves["live", "hot"] += 1
        if self._hot is not None or self._near.bytes > self._bounds.hot:
            self._wanted.set()

    async def fetch(self, talk: str) -> Brought | None:
        """Return the conversation ``talk``, which is live from now on; None if none lies here. Raises `StoreError`."""
        began = time.perf_counter()
        state = self._near.pop(talk)
        tier: PooledTier = "hot"
        try:
            if state is None:
                async with asyncio.timeout(self._patience_s):
                    tier, state = await self._taken(talk)
            if state is None:
                return None
            exchanges = unpack(state.packed)
        except TimeoutError:
            self.failures += 1
            raise Unreachable(f"A conversation was not had in {self._patience_s:g} s; it goes on without.") from None
        except StoreError as error:
            self.failures += 1
            if isinstance(error, Damaged):
                self.lost["damaged"] += 1
            raise
        self.moves[tier, "live"] += 1
        return Brought(exchanges, tier, time.perf_counter() - began)

    async def wake(self, session: str) -> None:
        """Do nothing: what was saved of ``session`` is in long-term memory always."""

    async def forget(self, session: str) -> list[str]:
        """Have no state of ``session`` left, also in no file; return which conversations lay here. Raises `StoreError`.

        The hot store is told too; what a Redis server has written to its own disk is its own.
        """
        async with self._moving:  # what is on its way to a file must not arrive after this
            lay = [*self._near.of(session), *self._there.of(session)]
            for talk in lay:
                self._near.pop(talk)
                self._there.pop(talk)
            unreached: StoreError | None = None
            if self._hot is not None:
                astray = {talk for talk in self._astray if session_of(talk) == session}
                try:
                    await self._hot.delete([*lay, *astray])
                    self._astray -= astray
                except StoreError as error:
                    self._astray.update(lay)
                    unreached = error
            lay += await self._shelves.forget(session)
            if unreached is not None:
                raise StillReadable(
                    "What was said is forgotten here. The hot tier's server could not be told, and holds it a while."
                ) from unreached
            return lay

    def where(self, talk: str) -> PooledTier | None:
        """Return the tier that ``talk`` lies in."""
        if talk in self._near or talk in self._there:
            return "hot"
        return self._shelves.where(talk)

    # What moves.

    async def bring_near(self, count: int) -> None:
        """Let the ``count`` conversations that were used last be hot: they may be next. Raises `StoreError`."""
        for talk in await self._shelves.newest(count):
            async with self._moving:  # what is forgotten lies on a shelf or here, and not between them
                if (found := await self._shelves.take(talk)) is not None:
                    tier, state = found
                    self._near.put(state)
                    self.moves[tier, "hot"] += 1

    async def tidy(self) -> None:
        """Move on what has no room. Raises nothing: what cannot be kept is lost, and made again from its turns."""
        await self._moved(None)

    async def clean(self) -> None:
        """Move on what nobody used for as long as its tier's age as well."""
        self._before_cleaning()
        await self._moved(self._ages)

    def sizes(self) -> dict[PooledTier, tuple[int, int]]:
        """Return how many conversations lie in each tier, and how many bytes they take."""
        shelved: Counter[Shelf] = Counter(each.shelf for each in self._shelves.lying.values())
        found: dict[PooledTier, tuple[int, int]] = {
            "hot": (len(self._near) + len(self._there), self._near.bytes + self._there.bytes)
        }
        for shelf in ("warm", "cold"):
            found[shelf] = (shelved[shelf], self._shelves.bytes[shelf])
        return found

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = math.inf if self._ages is None else loop.time() + self._every_s
        while True:
            if loop.time() >= due:  # also where something has no room all the time
                await self.clean()
                due = loop.time() + self._every_s
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if math.isinf(due) else due):
                    await self._wanted.wait()
            if self._wanted.is_set():
                self._wanted.clear()
                await self.tidy()

    async def _moved(self, ages: Ages | None) -> None:
        hot, warm, cold = [-math.inf] * 3 if ages is None else [self._clock() - age for age in ages]
        async with self._moving:
            await self._to_hot_store()
            await self._to_shelves([*self._there.due(self._bounds.hot, hot), *self._near.due(self._bounds.hot, hot)])
        try:
            if ages is not None or self._shelves.bytes["warm"] > self._bounds.warm:
                await self._cool(await self._shelves.due("warm", self._bounds.warm, warm))
            if ages is not None or self._shelves.bytes["cold"] > self._bounds.cold:
                await self._drop(await self._shelves.due("cold", self._bounds.cold, cold))
        except StoreError as error:  # to be tried again
            self._failed("conversations could not be moved on", error)

    # One at a time: who fetches or forgets meanwhile waits for one.

    async def _cool(self, due: Sequence[str]) -> None:
        for talk in due:
            async with self._moving:
                self.moves["warm", "cold"] += await self._shelves.cool(talk)

    async def _drop(self, due: Sequence[str]) -> None:
        for talk in due:
            async with self._moving:
                try:
                    self.lost["old"] += await self._shelves.drop(talk)
                except StillReadable as error:  # its file stays, and is given to no turn; the others can go
                    self.lost["old"] += 1
                    self._failed("a cold conversation was not dropped whole", error)

    async def _to_hot_store(self) -> None:
        if self._hot is None:
            return
        for state in list(self._near):
            self._astray.add(state.talk)  # it may be there also where the answer comes late
            try:
                await self._hot.put(state.talk, state.packed)
                if self._near.get(state.talk) is state:
                    self._near.pop(state.talk)
                    self._there.put(state._replace(packed=b""))
                else:  # it went on meanwhile
                    await self._hot.delete([state.talk])
                self._astray.discard(state.talk)
            except StoreError as error:  # it stays in memory, and moves on from there
                self._failed("a conversation could not be kept in the hot store", error)
                return

    async def _to_shelves(self, due: Sequence[HeldState]) -> None:
        """Let ``due`` lie warm; they are held in memory, or in the hot store, until they do."""
        states: list[HeldState] = []
        left: list[str] = []
        answers = True
        for state in due:
            if state.packed:
                states.append(state)
            elif answers and self._hot is not None:
                try:
                    packed = await self._hot.get(state.talk)
                except StoreError as error:  # it may come back: the rest waits for that
                    answers = self._failed("a conversation could not be had from the hot store", error)
                    continue
                if self._there.get(state.talk) is not state:  # a turn has it
                    continue
                self._there.pop(state.talk)
                self._astray.add(state.talk)
                left.append(state.talk)
                if packed is None:
                    self.lost["hot store"] += 1
                    continue
                states.append(state._replace(packed=packed))
                self._near.put(states[-1])
        for start in range(0, len(states), _AT_ONCE):
            await self._shelve(states[start : start + _AT_ONCE])
        if self._hot is not None and left:
            try:
                await self._hot.delete(left)
                self._astray.difference_update(left)
            except StoreError as error:
                self._failed("the hot store could not be told of what left it", error)

    async def _shelve(self, held: Sequence[HeldState]) -> None:
        states = [state for state in held if self._near.get(state.talk) is state]  # a turn may have some by now
        try:
            await self._shelves.put(states)
            self.moves["hot", "warm"] += len(states)
        except StoreError as error:
            self.lost["no room"] += len(states)
            self._failed("conversations could not be kept on disk", error)
        gone_on = [state.talk for state in states if self._near.get(state.talk) is not state]
        for state in states:
            if state.talk not in gone_on:
                self._near.pop(state.talk)
        if gone_on:
            with suppress(StoreError):  # a turn asks whether a state still ends as its turns do
                await self._shelves.remove(gone_on)

    async def _taken(self, talk: str) -> tuple[PooledTier, HeldState | None]:
        if (state := self._there.pop(talk)) is not None:
            self._astray.add(talk)
            packed = None
            try:
                packed = await self._hot.take(talk) if self._hot is not None else None
                self._astray.discard(talk)
            except StoreError as error:
                self._failed("a conversation could not be had from the hot store", error)
            if packed is not None:
                return "hot", state._replace(packed=packed)
            self.lost["hot store"] += 1
        found = await self._shelves.take(talk)
        return ("hot", None) if found is None else found

    def _damaged(self, count: int) -> None:
        """Count what the shelves let go of: they say so themselves."""
        self.failures += 1
        self.lost["damaged"] += count

    def _failed(self, what: str, error: StoreError) -> bool:
        """Count and log what did not come about; return false."""
        self.failures += 1
        swallowed(log, what, error)
        return False
