"""The package agenticaiframework as a system: its agent's turn, on the lab's engine.

A conversation has an agent of the package's, with its context manager; a session has a memory manager; all share the
model manager with its reply cache, in which the lab's engine is registered as the model. The package has no asynchronous
turn and no streaming of a model's tokens: a turn holds its thread, and tokens are passed on by the engine.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from systems.agenticaiframework.description import DESCRIPTION
from systems.agenticaiframework.settings import FrameworkSettings
from systems.engines.interface import Call, Engine, Message
from systems.errors import BadInput, EngineError, FourgigError, SystemClosed
from systems.interface import BlockingSystem, Counters, Reply, Request, Source, TokenSink
from systems.mechanisms import calling
from systems.mechanisms.calling import Called
from systems.turn.layouts import LAYOUTS

try:
    from agenticaiframework import Agent, ContextType, LLMManager

    from systems.agenticaiframework.memory import Remembered
except ImportError as error:
    raise BadInput("It needs the package agenticaiframework: pip install 'fourgig[agenticaiframework]'.") from error

_MODEL = "the lab's engine"

# The package's agent has a role and sends it to no model: here it is the system prompt, that of the lab's own agents.
_ROLE = LAYOUTS["passage"].system_prompt

_KINDS = {"user": ContextType.USER, "assistant": ContextType.ASSISTANT, "system": ContextType.SYSTEM}


class _Turn(msgspec.Struct):
    """The turn under way, for the model's call within it, and what came of that."""

    request: Request
    on_token: TokenSink | None
    called: Called | None = None
    error: FourgigError | None = None


class AgenticAiFramework(BlockingSystem):
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
        self._agents: OrderedDict[str, Any] = OrderedDict()
        self._memories: OrderedDict[str, Remembered] = OrderedDict()
        self._turn: _Turn | None = None
        self._counters = Counters()
        self._running = False

    def start(self) -> None:
        """Load the model."""
        self._engine.load()
        self._running = True

    def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request on the calling thread. Raises what the engine raised in its last attempt."""
        if not self._running:
            raise SystemClosed("The agent of agenticaiframework is not running.")
        arrived = time.perf_counter()
        request.check_form(self._engine)
        memory, agent = self._memory(request.session), self._agent(request)
        turn = self._turn = _Turn(request, on_token)
        told = agent.run(request.text, knowledge=memory, llm_kwargs=_depends_on(request))
        if told["status"] != "success":
            raise turn.error or EngineError(f"The agent gave no reply: {told.get('error') or told.get('reason')}.")
        reply = self._reply(turn, told["response"], memory.found, arrived)
        if request.kept:
            memory.keep(request.text, reply.text)
            self._counters.saved += 1
        self._counters.turns += 1
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what was counted since `start`."""
        self._counters.retries = self._models.get_metrics()["total_retries"]
        return self._counters

    def close(self) -> None:
        """Write the memories into their files, and release the model. Raises `StoreError`."""
        self._running = False
        try:
            while self._memories:
                self._memories.popitem(last=False)[1].save()
        finally:
            self._engine.close()

    def _generate(self, prompt: str, _: dict[str, Any]) -> str:
        """Answer one prompt of the package's. What would fail again is not tried again, though the package asks to."""
        turn = self._turn
        if turn is None:
            raise EngineError("No turn is under way.")
        if turn.error is not None and not turn.error.transient:
            raise turn.error
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
        )
        try:
            turn.called = calling.generate(self._engine, call)
        except FourgigError as error:
            turn.error = error
            raise
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

    def _agent(self, request: Request) -> Any:
        """Return the agent of the request's conversation: another one like it, if the turn is not to be kept."""
        known = self._agents.get(request.talk)
        if known is not None and request.kept and request.before is None:
            self._agents.move_to_end(request.talk)
            return known
        agent = Agent("assistant", _ROLE, [], {"llm": self._models}, max_context_tokens=self._settings.context_tokens)
        if request.before is not None:
            for message in request.before:
                agent.context_manager.add_context(message.content, context_type=_KINDS[message.role])
        elif known is not None:
            agent.context_manager = copy.deepcopy(known.context_manager)
        if request.kept:
            self._agents[request.talk] = agent
            if len(self._agents) > self._settings.sessions:
                self._agents.popitem(last=False)
        return agent

    def _memory(self, session: str) -> Remembered:
        """Return what ``session`` said. Raises `StoreError`."""
        if session in self._memories:
            self._memories.move_to_end(session)
            return self._memories[session]
        name = hashlib.sha256(session.encode()).hexdigest()[:32]
        settings = self._settings
        memory = Remembered(self._data_dir / f"{name}.json", kept=settings.memories_kept, shown=settings.memories)
        self._memories[session] = memory
        if len(self._memories) > settings.sessions:
            self._memories.popitem(last=False)[1].save()
        return memory


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
