"""An agent that answers many conversations on one event loop: puts the mechanisms together as its settings say."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec

from systems.answering.beside import LowerTiers, ModelChoice, Similar
from systems.answering.kept import Kept, Store
from systems.answering.lookups import LongTermMemory
from systems.answering.opening import MakeVectors, Opening
from systems.answering.order import turn_of
from systems.answering.parts import ReplyCache, Saver
from systems.answering.pipeline import Pipeline
from systems.answering.settings import AnsweringSettings
from systems.engines.interface import Engine
from systems.errors import DeadlineExceeded, NotSaved, Refused, SystemClosed
from systems.interface import AsyncSystem, Counters, Forgotten, KeptConversation, KeptTurn, Reply, Request, TokenSink
from systems.logs import swallowed
from systems.mechanisms.admission import Admission, Admitting, Unbounded, deadline
from systems.mechanisms.caches import BoundedCache, FifoCache
from systems.mechanisms.draining import UnderWay
from systems.mechanisms.handed import Handed
from systems.mechanisms.isolation import Executors
from systems.mechanisms.resources import Resource
from systems.mechanisms.retrying import Backoff
from systems.mechanisms.saving import Save, SaveAtOnce
from systems.mechanisms.sessions import Sessions
from systems.mechanisms.single_flight import SingleFlight
from systems.mechanisms.steps import NoteStep, Steps
from systems.mechanisms.turn_log import log_turn
from systems.mechanisms.wanted import Wanted
from systems.memory.holding import Hold
from systems.memory.importance import keep_important
from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn
from systems.turn import commands
from systems.turn.history import HELD_BYTES, Compress, Histories, Leave, Prune, keep_newest
from systems.turn.surroundings import LastReading

T = TypeVar("T")

log = logging.getLogger(__name__)

# Processor and memory use, in whole percent, are read at most this often, in seconds.
SYSTEM_INFORMATION_S = 1.0

# A step that fails for a passing reason is tried again after waits that grow from the first to the second number.
RETRY_FIRST_S, RETRY_LAST_S = 0.05, 1.0


class Answering(AsyncSystem):
    """Answers many conversations on one event loop; the turns of each stay in order."""

    def __init__(self, settings: AnsweringSettings, engine: Engine, data_dir: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._path = data_dir / "memory.sqlite"
        self._hold = Hold(self._path)
        self._sessions = Sessions()
        self._flights: SingleFlight[Reply] = SingleFlight()
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_LAST_S, Random(settings.seed)) if settings.retries else None
        self._warming: asyncio.Task[None] | None = None
        self._memory: Opening | None = None
        self._saver: Saver | None = None
        self._under_way = UnderWay()
        self._pipeline: Pipeline | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make ready: with lazy loading nothing heavy is loaded yet; with warm-up, loading begins right after."""
        self._hold.take()
        settings = self._settings
        limit = settings.concurrent_generations or self._engine.parallelism
        # Keyword extraction holds the interpreter lock, so a second thread would gain nothing; LIKE lookups wait
        # for the disk outside it.
        self._executors = Executors(
            {"engine": limit, "keywords": 1, "system": 1, "store": 4}, isolated=settings.isolation
        )
        self._memory = Opening(settings, self._path, self._executors, self._vectors())
        store: Resource[LongTermMemory] = Resource("long-term memory", self._memory.open)
        self._saver = self._saving(partial(_save_to, store))
        cache: ReplyCache = FifoCache(settings.replies_cached())
        if settings.lru_cache:
            cache = BoundedCache(
                settings.replies_cached(), settings.cache_seconds, settings.bytes_cached(), settings.cache_policy
            )

        tiers = self._tiers(store)
        self._pipeline = Pipeline(
            settings=settings,
            executors=self._executors,
            admission=self._admitting(limit),
            # Read on a thread it can be read for many turns at once; in the loop each turn reads it, as traditionally.
            system=LastReading(SYSTEM_INFORMATION_S if settings.isolation else 0.0),
            keywords=Resource("keywords", self._load_keywords),
            engine=Resource("engine", self._load_engine),
            engine_identity=self._engine.identity,
            store=store,
            saver=self._saver,
            handed=Handed(),
            histories=Histories(
                settings.history_length,
                self._most_held(),
                self._pruning(),
                stepped=settings.stepped_pruning,
                room=self._history_room if settings.prompts_grow() else None,
                most_bytes=self._bytes_held(),
                leave=self._leaving(),
                compress=self._compressing(),
            ),
            cache=cache,
            counters=Counters(),
            tiers=tiers,
            similar=self._similar(),
            models=self._models(),
        )
        try:
            await self._begin(self._pipeline)
            if not settings.lazy_loading:
                await self._load_all(self._pipeline)
        except BaseException:
            await self.close()  # what was loaded holds threads and files
            raise
        if settings.lazy_loading and settings.warm_up:
            self._warming = asyncio.create_task(self._warm_up(self._pipeline), name="warm-up")

    # What an agent has of its own.

    def _saving(self, save: Save) -> Saver:
        """Return how turns are saved: at once, as traditionally."""
        return SaveAtOnce(save)

    def _pruning(self) -> Prune:
        """Return which exchanges stay when a history is too long."""
        return keep_important if self._settings.importance_pruning else keep_newest

    def _compressing(self) -> Compress | None:
        """Return what a history that grows becomes when it begins anew; None: some of its exchanges, as they are."""
        return None

    def _admitting(self, limit: int) -> Admitting:
        """Return what lets turns in, where the engine can use ``limit`` generations at once."""
        return Admission(limit, self._settings.queue_limit) if self._settings.admission else Unbounded()

    def _most_held(self) -> int:
        """Return how many histories are held in memory."""
        return self._settings.sessions

    def _bytes_held(self) -> int:
        """Return what all histories may take in memory."""
        return HELD_BYTES

    def _leaving(self) -> Leave | None:
        """Return what takes over the histories that are held no longer."""
        return None

    def _tiers(self, store: Resource[LongTermMemory]) -> LowerTiers | None:  # noqa: ARG002 - who has some may need it
        """Return where the conversations are that left the histories, if they are anywhere."""
        return None

    def _similar(self) -> Similar | None:
        """Return what knows replies to questions that meant the same."""
        return None

    def _models(self) -> ModelChoice | None:
        """Return which model answers what, where there is more than one."""
        return None

    def _vectors(self) -> MakeVectors | None:
        """Return how vectors of turns are kept, where there are any; None: as they usually are."""
        return None

    def _noting(self) -> NoteStep | None:
        """Return what is told how long each step of a turn took."""
        return None

    def _admit(self, request: Request) -> None:
        """Refuse ``request`` where there is no room for what it would take. Raises `Refused`."""

    async def _begin(self, pipeline: Pipeline) -> None:
        """Open what the agent has of its own. Raises `StoreError`."""

    async def _end(self, pipeline: Pipeline) -> None:
        """Close it: no turn is under way, and all are saved."""

    def _history_room(self) -> int:
        """Return how many tokens a history may grow to: half the context is for notes, a question and its reply."""
        context = self._engine.context_tokens
        most = self._settings.history_tokens
        return most if context is None else min(most, context // 2)

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request; those of other conversations are answered meanwhile."""
        arrived = time.perf_counter()
        pipeline = self._running()
        request.check_form(self._engine)
        seconds = self._settings.deadline_s if request.deadline_s is None else request.deadline_s
        steps = Steps(
            request,
            Wanted(arrived + seconds),
            pipeline.counters,
            self._backoff,
            degrade=self._settings.degradation,
            noted=self._noting(),
        )
        reply: Reply | None = None
        outcome = "ok"
        with self._under_way:
            try:
                self._admit(request)
                async with deadline(seconds), pipeline.admission.turn():
                    reply = await self._answer(pipeline, request, steps, on_token, arrived)
                    return reply
            except BaseException as error:
                outcome = type(error).__name__
                if isinstance(error, Refused):
                    pipeline.counters.refused += 1
                elif isinstance(error, DeadlineExceeded):
                    pipeline.counters.deadline_exceeded += 1
                raise
            finally:
                log_turn(request, steps, reply, outcome, time.perf_counter() - arrived)

    async def _answer(
        self, pipeline: Pipeline, request: Request, steps: Steps, on_token: TokenSink | None, arrived: float
    ) -> Reply:
        async def turn() -> Reply:
            place = pipeline.admission.place(request.talk)
            async with turn_of(request.talk, self._sessions, pipeline.histories, place):
                return await pipeline.turn(request, steps, on_token, arrived)

        is_command = request.commands and commands.is_command(request.text)
        if not self._settings.lru_cache or is_command or not request.may_be_cached:
            return await turn()
        cleared = pipeline.cache.cleared
        same = (cleared, request.talk, request.text, request.max_tokens, *_asked_so(request))
        reply, led = await self._flights.do(same, steps.wanted, turn)
        if led:
            return reply
        async with turn_of(request.talk, self._sessions, pipeline.histories):
            known = pipeline.cache.cleared == cleared  # else the reply may know what was forgotten meanwhile
            if known:
                await pipeline.turn_again(request, steps, reply)
        if not known:
            return await turn()
        waited = time.perf_counter() - arrived
        if on_token is not None:
            on_token(reply.text)
        again = reply.served_again(request.id, first_token_s=waited)
        # What the reply was made without, this one is too; whether it is saved is each turn's own.
        shared = tuple(each for each in reply.degraded if each.step != "saving")
        return msgspec.structs.replace(again, total_s=waited, degraded=shared + steps.degraded)

    async def conversations(
        self, session: str, *, most: int | None = None, after: str | None = None
    ) -> list[KeptConversation]:
        """Return the conversations of ``session``, the latest first: ``most`` of them at most, those after a place.

        Raises `BadInput`, `StoreError`.
        """
        return await self._kept().conversations(session, most, after)

    async def turns(
        self, session: str, *, conversation: str | None = None, containing: str = "", before: str | None = None
    ) -> list[KeptTurn]:
        """Return the newest turns, oldest first, a page at most. Raises `StoreError`."""
        return await self._kept().turns(session, conversation, containing, before)

    async def forget(
        self, session: str, *, turn: str | None = None, conversation: str | None = None, since: str | None = None
    ) -> Forgotten:
        """Forget what is named. Raises `BadInput`, `StillReadable`, `StoreError`."""
        return await self._to_the_end(self._kept().forget(session, turn, conversation, since))

    async def correct(self, session: str, turn: str, question: str) -> KeptTurn:
        """Have ``turn`` say ``question``; its answer goes. Raises `BadInput`, `StillReadable`, `StoreError`."""
        return await self._to_the_end(self._kept().correct(session, turn, question))

    async def keep(self, request: Request, answer: str) -> None:
        """Keep ``answer``, where the reply to ``request`` was stopped, as if it had been whole.

        Raises `NotSaved`, `StoreError`.
        """
        pipeline = self._running()
        steps = Steps(
            request,
            Wanted(time.perf_counter() + self._settings.deadline_s),
            pipeline.counters,
            self._backoff,
            degrade=False,
        )

        cleared = pipeline.cache.cleared

        async def keep() -> None:
            async with turn_of(request.talk, self._sessions, pipeline.histories):
                if pipeline.cache.cleared != cleared:  # who forgot the conversation meanwhile is not to find this in it
                    raise NotSaved("Something was forgotten while this was to be kept.")
                await pipeline.stopped(request, steps, answer)

        await self._to_the_end(keep())

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns; it is done to the end though nobody waits for it any more."""

        async def done() -> T:
            with self._under_way:
                return await work

        with self._under_way:
            return await asyncio.shield(asyncio.create_task(done(), name="taking out of memory"))

    def _running(self) -> Pipeline:
        if self._pipeline is None:
            raise SystemClosed("The agent is not running.")
        return self._pipeline

    def _kept(self) -> Kept:
        return Kept(self._running(), self._sessions, self._engine, self._opened)

    def _opened(self) -> Store | None:
        return None if self._memory is None else self._memory.fulltext

    def counters(self) -> Counters:
        """Return what was counted since `start`."""
        if self._pipeline is None or self._saver is None:
            return Counters()
        counted = msgspec.structs.replace(
            self._pipeline.counters, saved=self._saver.saved, save_failures=self._saver.failures
        )
        vectors = None if self._memory is None else self._memory.vectors
        if vectors is not None:
            counted.vectors, counted.embedding_bytes = vectors.made, vectors.weights_bytes
        return counted

    async def close(self) -> None:
        """Stop taking requests, finish those under way, save every acknowledged turn, and release everything."""
        if self._closing is None and self._pipeline is not None:
            self._closing = asyncio.create_task(self._close(self._pipeline), name="close")
            self._pipeline = None
        if self._closing is not None:
            # A caller that gives up waiting must not leave turns unsaved.
            await asyncio.shield(self._closing)

    async def _close(self, pipeline: Pipeline) -> None:
        await self._under_way.end()
        try:
            await pipeline.saver.close()
        finally:
            try:
                await self._release(pipeline)
            finally:
                self._hold.release()

    async def _release(self, pipeline: Pipeline) -> None:
        if self._warming is not None:
            await self._warming
        # A load that a departed caller began must end before what it opens can be closed.
        await asyncio.gather(pipeline.keywords.finish(), pipeline.store.finish(), pipeline.engine.finish())
        try:
            await self._end(pipeline)
        finally:
            await self._unload()

    async def _unload(self) -> None:
        await asyncio.to_thread(self._executors.close)
        if self._memory is not None:
            await self._memory.close()
        await asyncio.to_thread(self._engine.close)

    async def _load_all(self, pipeline: Pipeline) -> None:
        resources: list[Resource[Any]] = [pipeline.store, pipeline.engine]
        if self._settings.needs_keywords():
            resources.insert(0, pipeline.keywords)
        # Each goes on when another fails: none is left half loaded behind the caller's back.
        loaded = await asyncio.gather(*(resource.get() for resource in resources), return_exceptions=True)
        for result in loaded:
            if isinstance(result, BaseException):
                raise result

    async def _warm_up(self, pipeline: Pipeline) -> None:
        try:
            await self._load_all(pipeline)
        except Exception as error:  # noqa: BLE001 - the first request that needs it tries again, and is told
            pipeline.counters.warm_up_failures += 1
            swallowed(log, "warm-up failed", error)

    async def _load_keywords(self) -> Keywords:
        keywords = Keywords(fast=self._settings.fast_segmentation)
        await self._executors.run("keywords", keywords.load)
        return keywords

    async def _load_engine(self) -> Engine:
        await self._executors.run("engine", self._engine.load)
        return self._engine


def _asked_so(request: Request) -> tuple[object, ...]:
    """Return what else must be equal in ``request`` and another one for one reply to do for both."""
    form = request.grammar, request.likeliest, request.all_messages
    return request.sampling, *form, request.instructions, request.before


async def _save_to(store: Resource[LongTermMemory], turns: Sequence[SavedTurn]) -> None:
    await (await store.get()).save(turns)
