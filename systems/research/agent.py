"""The research agent: puts its parts together, each in the pattern that its settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import ClassVar

import msgspec

from systems.engines.interface import Call, Engine, Message
from systems.errors import DeadlineExceeded, Refused, SystemClosed
from systems.interface import AsyncSystem, Counters, Reply, Request, SystemMetric, TokenSink
from systems.mechanisms import awaiting
from systems.mechanisms.admission import Admission, Unbounded, deadline
from systems.mechanisms.calling import Called
from systems.mechanisms.draining import UnderWay
from systems.mechanisms.isolation import Executors
from systems.mechanisms.retrying import Backoff
from systems.mechanisms.sessions import Sessions
from systems.mechanisms.steps import Steps
from systems.mechanisms.turn_log import log_turn
from systems.mechanisms.wanted import Wanted
from systems.research import corpus
from systems.research.analysing import Analyser
from systems.research.analysis.running import make_analysis
from systems.research.counting import ModelCalls
from systems.research.description import DESCRIPTION
from systems.research.embedding.relevance import make_relevance
from systems.research.fetching import make_fetcher
from systems.research.findings import Findings
from systems.research.keeping.memory import FILE, ResearchMemory
from systems.research.library import Library
from systems.research.remembering import RememberedTalks
from systems.research.settings import ResearchSettings
from systems.research.summarising import INSTRUCTIONS, RollingSummary
from systems.research.turn import ResearchParts, ResearchTurn

# A step that fails for a passing reason is tried again after waits that grow from the first to the second number.
RETRY_FIRST_S, RETRY_LAST_S = 0.05, 1.0


def unheard() -> None:
    """Do nothing: for those who watch no progress."""


class Research(AsyncSystem):
    """Answers questions from sources that a person named; the turns of each conversation stay in order."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = ResearchSettings

    def __init__(self, settings: ResearchSettings, engine: Engine, data_dir: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._path = data_dir / FILE
        self._sessions = Sessions()
        self._under_way = UnderWay()
        self._calls = ModelCalls()
        self._counters = Counters()
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_LAST_S, Random(settings.seed)) if settings.retries else None
        self._parts: ResearchParts | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the file of sessions, load the model, and have every part ready. Raises `StoreError`, `ModelError`."""
        settings = self._settings
        limit = settings.concurrent_generations or self._engine.parallelism
        self._executors = Executors({"engine": limit, "passages": 1}, isolated=settings.generating == "thread")
        self._admission: Admission | Unbounded = Unbounded()
        if settings.admission:
            self._admission = Admission(limit, settings.queue_limit)
        fetcher = make_fetcher(
            settings.fetching,
            deadline_s=settings.source_deadline_s,
            total_deadline_s=settings.sources_deadline_s,
            max_bytes=settings.source_bytes,
            per_host=settings.requests_per_host,
            private_hosts=frozenset(settings.private_hosts),
        )
        self._relevance = make_relevance(settings.relevance, settings.encoder, workers=settings.workers)
        self._analysis = make_analysis(
            settings.analysis,
            deadline_s=settings.analysis_deadline_s,
            memory_bytes=settings.analysis_bytes,
            output_bytes=settings.analysis_output_bytes,
        )
        self._memory = ResearchMemory(self._path, settings.saving)
        summary = RollingSummary(
            self._summarise,
            self._memory.summarised,
            begin_at=settings.summarise_at,
            recent=settings.recent_messages,
            wait_at=2 * settings.summarise_at,
        )
        self._remembered = RememberedTalks(
            self._memory,
            summary,
            summarising=settings.summarising,
            recent=settings.recent_messages,
            most=settings.sessions,
        )
        self._library = Library(
            fetcher,
            partial(self._executors.run, "passages"),
            kept_s=settings.kept_s,
            passage_characters=settings.passage_characters,
        )
        parts = ResearchParts(
            settings=settings,
            executors=self._executors,
            admission=self._admission,
            engine=self._engine,
            library=self._library,
            relevance=self._relevance,
            analyser=Analyser(self._analysis),
            remembered=self._remembered,
            counters=self._counters,
        )
        self._parts = parts
        try:
            await self._memory.open()
            await self._executors.run("engine", self._engine.load)
            await self._relevance.start()
        except BaseException:
            await self.close()  # what was opened holds threads and files
            raise

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request from the sources that are set; those of other conversations are answered meanwhile."""
        return await self.research(request, Findings(question=request.text), on_token=on_token)

    async def research(
        self,
        request: Request,
        findings: Findings,
        *,
        sources: Sequence[str] = (),
        on_token: TokenSink | None = None,
        on_change: Callable[[], None] = unheard,
    ) -> Reply:
        """Answer ``request`` from ``sources``, or those that are set; ``findings`` hold what is known at every moment.

        ``on_change`` is called when a step has changed them. Raises as `answer`.
        """
        arrived = time.perf_counter()
        parts = self._running()
        request.check_form(self._engine)
        seconds = self._settings.deadline_s if request.deadline_s is None else request.deadline_s
        wanted = Wanted(arrived + seconds)
        steps = Steps(request, wanted, self._counters, self._backoff, degrade=self._settings.degradation)
        named = sources or self._settings.sources or [str(corpus.folder())]
        turn = ResearchTurn(
            parts,
            request,
            named,
            steps,
            self._calls.turn(self._settings.model_calls),
            findings,
            on_token,
            on_change,
        )
        reply: Reply | None = None
        outcome = "ok"
        with self._under_way:
            try:
                async with self._admission.turn(), deadline(seconds), self._sessions.turn(request.talk):
                    # Whoever is back has not to wait until what was said is summed up.
                    await self._remembered.make_way(request.talk)
                    reply = await turn.reply(arrived)
                    if request.kept:
                        await self._remembered.replied(request.talk)
                    return reply
            except BaseException as error:
                outcome = type(error).__name__
                wanted.abandon()  # what still generates for this turn ends at its next token
                if isinstance(error, Refused):
                    self._counters.refused += 1
                elif isinstance(error, DeadlineExceeded):
                    self._counters.deadline_exceeded += 1
                raise
            finally:
                findings.degraded = steps.degraded
                log_turn(request, steps, reply, outcome, time.perf_counter() - arrived)

    async def keep_stopped(self, request: Request, findings: Findings) -> None:
        """Keep what there is of a turn that was stopped: the question, and as much of an answer as was said.

        Without effect where the turn is kept already. Raises `StoreError`.
        """
        self._running()
        if findings.kept:
            return
        said = [Message("user", request.text)]
        if findings.answer.strip():
            said.append(Message("assistant", findings.answer))
        with self._under_way:
            async with self._sessions.turn(request.talk):
                await self._remembered.keep(request.talk, said, findings.passages)
                findings.kept = True

    async def forget(self, session: str, conversation: str | None = None) -> int:
        """Forget a conversation; return how many messages it had. Raises `StoreError`, `StillReadable`."""
        self._running()
        name = Request(id="", session=session, text="", conversation=conversation).talk
        with self._under_way:
            async with self._sessions.turn(name):
                return await self._remembered.forget(name)

    async def settled(self) -> None:
        """Return when nothing is summed up any more."""
        await self._remembered.settled()

    def counters(self) -> Counters:
        """Return what was counted since `start`."""
        return self._counters

    def metrics(self) -> list[SystemMetric]:
        """Return how often the model was called, by what for."""
        says = "Calls of the model, by what they were for."
        return [
            SystemMetric(name="model_calls", says=says, value=made, labels={"for": what}, counted=True)
            for what, made in sorted(self._calls.made.items())
        ]

    async def close(self) -> None:
        """Stop taking requests, finish those under way, stop summing up, and release everything."""
        if self._closing is None and self._parts is not None:
            self._closing = asyncio.create_task(self._close(), name="close")
            self._parts = None
        if self._closing is not None:
            await asyncio.shield(self._closing)  # a caller that gives up waiting must leave no process behind

    async def _close(self) -> None:
        await self._under_way.end()
        try:
            await self._remembered.close()
        finally:
            try:
                await asyncio.gather(self._relevance.close(), self._analysis.close())
            finally:
                await asyncio.to_thread(self._executors.close)
                await asyncio.to_thread(self._engine.close)

    def _running(self) -> ResearchParts:
        if self._parts is None:
            raise SystemClosed("The research agent is not running.")
        return self._parts

    async def _summarise(self, text: str, max_tokens: int) -> str:
        """Sum up ``text`` by the model, whose other callers come in between. Raises `EngineError`."""
        wanted = Wanted(time.perf_counter() + self._settings.deadline_s)
        call = Call(
            messages=[Message("system", INSTRUCTIONS), Message("user", text)],
            max_tokens=max_tokens,
            all_messages=True,
            check=wanted.check,
        )
        async with self._admission.slot():
            self._calls.made["summary"] += 1
            called: Called = await awaiting.reply(
                self._engine,
                call,
                wanted,
                partial(self._executors.run, "engine"),
                may_await=self._settings.generating == "thread",
            )
        self._counters.prompt_tokens += called.generation.prompt_tokens
        self._counters.reused_tokens += called.generation.reused_tokens
        return called.generation.text
