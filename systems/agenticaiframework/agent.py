"""The package agenticaiframework as a system: its agent's turn, on the lab's engine.

A conversation has an agent of the package's, with its context manager; a session has a memory manager; all share the
model manager with its reply cache, in which the lab's engine is registered as the model. The package awaits a turn by
running it on a thread, and streams no model's tokens in one: so do the threads here, and the engine passes tokens on.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from systems.agenticaiframework.description import DESCRIPTION
from systems.agenticaiframework.settings import FrameworkSettings
from systems.engines.interface import Call, Engine, Message
from systems.errors import BadInput, DeadlineExceeded, EngineError, FourgigError, StoreError, SystemClosed
from systems.interface import AsyncSystem, Counters, Reply, Request, Source, TokenSink
from systems.logs import session_digest, swallowed
from systems.mechanisms import calling
from systems.mechanisms.calling import Called
from systems.mechanisms.isolation import Executors
from systems.mechanisms.sessions import Sessions
from systems.mechanisms.wanted import Wanted
from systems.turn.layouts import LAYOUTS

try:
    from agenticaiframework import Agent, ContextType, LLMManager

    from systems.agenticaiframework.memory import SessionMemory
except ImportError as error:
    raise BadInput("It needs the package agenticaiframework: pip install 'fourgig[agenticaiframework]'.") from error

log = logging.getLogger(__name__)

_MODEL = "the lab's engine"

# The package's agent has a role, and its turn sends it to no model: here it is the lab's agents' own system prompt.
_ROLE = LAYOUTS["passage"].system_prompt

_KINDS = {"user": ContextType.USER, "assistant": ContextType.ASSISTANT, "system": ContextType.SYSTEM}


class _Turn(msgspec.Struct):
    """A turn under way, for the model's call within it, and what came of that."""

    request: Request
    on_token: TokenSink | None
    wanted: Wanted
    called: Called | None = None
    error: FourgigError | None = None


class _Final(BaseException):
    """A turn's error that would come again. The package takes every `Exception` for a failure of the model."""


class _Models:
    """The package's model manager as its agent sees it, to which a final error is a reply that there is not."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def generate(self, prompt: str, **settings: Any) -> Any:
        """Return the reply to ``prompt``, or None."""
        try:
            return self._manager.generate(prompt, **settings)
        except _Final:
            return None


class _Session:
    """What is in memory of a session: its memory, the agents of its conversations, and how many turns use it now.

    Nothing of the package's is used by two threads at once: it says that it is safe, and takes no lock.
    """

    def __init__(self, memory: SessionMemory) -> None:
        self.memory = memory
        self.agents: OrderedDict[str, Any] = OrderedDict()
        self.turns = 0
        self.lock = threading.Lock()


class AgenticAiFramework(AsyncSystem):
    """One turn: the agent of the conversation looks up its session's memory, and asks the model manager."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = FrameworkSettings

    def __init__(self, settings: FrameworkSettings, engine: Engine, data_dir: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._data_dir = data_dir
        self._models = LLMManager(max_retries=settings.attempts, enable_caching=settings.cache)
        self._models.register_model(_MODEL, self._generate)
        self._models.set_active_model(_MODEL)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()
        self._lines = Sessions()
        self._threads = Executors({"turn": engine.parallelism})
        self._here = threading.local()
        self._counters = Counters()
        self._running = False

    async def start(self) -> None:
        """Load the model."""
        await self._threads.run("turn", self._engine.load)
        self._running = True

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request; those of one session are answered one after another.

        Raises what the engine raised in its last attempt.
        """
        if not self._running:
            raise SystemClosed("The agent of agenticaiframework is not running.")
        arrived = time.perf_counter()
        request.check_form(self._engine)
        wanted = Wanted(arrived + (request.deadline_s or self._settings.deadline_s))
        turn = _Turn(request, on_token, wanted)
        try:
            async with self._lines.turn(request.session):
                text, memories = await self._threads.run("turn", self._take, turn)
        except asyncio.CancelledError:
            wanted.abandon()
            raise
        except DeadlineExceeded:
            self._counters.deadline_exceeded += 1
            raise
        reply = self._reply(turn, text, memories, arrived)
        self._counters.turns += 1
        self._counters.saved += request.kept
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what was counted since `start`."""
        self._counters.retries = self._models.get_metrics()["total_retries"]
        return self._counters

    async def close(self) -> None:
        """Wait for turns under way, write the memories into their files, release the model. Raises `StoreError`."""
        self._running = False
        await asyncio.to_thread(self._threads.close)
        try:
            await asyncio.to_thread(self._save)
        finally:
            await asyncio.to_thread(self._engine.close)

    def _save(self) -> None:
        """Save every session that can be. Raises the first `StoreError` of those that cannot."""
        first: StoreError | None = None
        for name, session in list(self._sessions.items()):
            try:
                session.memory.save()
                del self._sessions[name]
            except StoreError as error:
                first = first or error
        if first is not None:
            raise first

    def _take(self, turn: _Turn) -> tuple[str, tuple[str, ...]]:
        """Take a turn on this thread; return the reply's text, and the memories that its prompt had."""
        request = turn.request
        with self._session(request.session) as session, session.lock:
            turn.wanted.check()
            self._here.turn = turn
            agent = self._agent(session, request)
            told = agent.run(request.text, knowledge=session.memory, llm_kwargs=_depends_on(request))
            if told["status"] != "success":
                said = told.get("error") or told.get("reason")
                raise turn.error or EngineError(f"The agent of agenticaiframework gave no reply: {said}.")
            text: str = told["response"]
            if request.kept:
                session.memory.keep(request.text, text)
            return text, session.memory.found

    def _generate(self, prompt: str, _: dict[str, Any]) -> str:
        """Answer one prompt of the package's. What would fail again is neither tried again nor held against the model.

        The package tries again whatever failed, and after five failures shuts the model out for everybody.
        """
        turn: _Turn = self._here.turn
        request = turn.request
        system = f"{_ROLE}\n\n{request.instructions}" if request.instructions else _ROLE
        call = Call(
            messages=[Message("system", system), Message("user", prompt)],
            max_tokens=request.max_tokens,
            conversation=request.talk,
            sampling=request.sampling,
            grammar=request.grammar,
            likeliest=request.likeliest,
            all_messages=request.all_messages,
            on_token=turn.on_token,
            check=turn.wanted.check,
        )
        try:
            turn.called = calling.generate(self._engine, call)
        except FourgigError as error:
            turn.error = error
            if error.transient:
                raise
            raise _Final from error
        return turn.called.generation.text

    def _reply(self, turn: _Turn, text: str, memories: tuple[str, ...], arrived: float) -> Reply:
        if turn.called is None:
            self._counters.cache_hits += 1
            if turn.on_token is not None:
                turn.on_token(text)
            return Reply(
                request_id=turn.request.id,
                text=text,
                source=Source.CACHE,
                memories=memories,
                first_token_s=time.perf_counter() - arrived,
            )
        generation, called = turn.called
        self._counters.cache_misses += 1
        self._counters.generations += 1
        self._counters.prompt_tokens += generation.prompt_tokens
        self._counters.reused_tokens += generation.reused_tokens
        return Reply.of(turn.request, generation, called_s=called - arrived, memories=memories)

    def _agent(self, session: _Session, request: Request) -> Any:
        """Return the agent of the request's conversation: another one like it, if the turn is not to be kept."""
        known = session.agents.get(request.talk)
        if known is not None and request.kept and request.before is None:
            session.agents.move_to_end(request.talk)
            return known
        agent = Agent(
            "assistant", _ROLE, [], {"llm": _Models(self._models)}, max_context_tokens=self._settings.context_tokens
        )
        if request.before is not None:
            for message in request.before:
                agent.context_manager.add_context(message.content, context_type=_KINDS[message.role])
        elif known is not None:
            agent.context_manager = copy.deepcopy(known.context_manager)
        if request.kept:
            session.agents[request.talk] = agent
            session.agents.move_to_end(request.talk)
            if len(session.agents) > self._settings.sessions:
                session.agents.popitem(last=False)
        return agent

    @contextmanager
    def _session(self, name: str) -> Iterator[_Session]:
        """Give the session called ``name``; the least recently used that no turn uses leave for their files."""
        with self._lock:
            session = self._sessions.get(name)
            if session is None:
                session = self._sessions[name] = _Session(self._remembered(name))
            self._sessions.move_to_end(name)
            session.turns += 1
        try:
            with self._lock:
                self._let_leave()
            yield session
        finally:
            with self._lock:
                session.turns -= 1

    def _let_leave(self) -> None:
        """Let sessions leave until there are no more than may be. One that cannot be saved stays, to be tried again."""
        while len(self._sessions) > self._settings.sessions:
            leaving = next((name for name, session in self._sessions.items() if not session.turns), None)
            if leaving is None:
                return
            try:
                self._sessions[leaving].memory.save()
            except StoreError as error:
                swallowed(log, "a session could not be saved", error, session=session_digest(leaving))
                self._sessions.move_to_end(leaving)
                return
            del self._sessions[leaving]

    def _remembered(self, session: str) -> SessionMemory:
        name = hashlib.sha256(session.encode()).hexdigest()[:32]
        settings = self._settings
        return SessionMemory(self._data_dir / f"{name}.json", kept=settings.memories_kept, shown=settings.memories)


def _depends_on(request: Request) -> dict[str, Any]:
    """Return what a reply depends on besides the prompt: the key of the package's cache is made of both."""
    return {
        "use_cache": request.may_be_cached,
        "instructions": request.instructions,
        "max_tokens": request.max_tokens,
        "sampling": request.sampling,
        "grammar": request.grammar,
        "likeliest": request.likeliest,
    }
