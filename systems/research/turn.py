"""One question, step by step: what does not need each other may run at once, and what fails is done without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import msgspec

from systems.engines.interface import Call, Engine, Message
from systems.interface import Counters, Reply, Request, TokenSink
from systems.mechanisms import awaiting
from systems.mechanisms.admission import Admission, Unbounded
from systems.mechanisms.calling import Called
from systems.mechanisms.isolation import Executors
from systems.mechanisms.steps import Steps
from systems.research import synthesis, topics
from systems.research.analysing import Analyser
from systems.research.citing import Citing, checked
from systems.research.counting import TurnCalls
from systems.research.findings import Findings, SourceRead
from systems.research.library import Library, NothingRead, Shelf
from systems.research.ranking import Scored, reranked
from systems.research.remembering import RememberedTalks
from systems.research.settings import ResearchSettings
from systems.research.sources.documents import Document, SourceRefusal
from systems.research.synthesis import FoundPassage, ResearchPrompt, SaidBefore

# Passages that have words of the question, of which what judges relevance chooses those that the model is given.
_CANDIDATES = 32


class Judges(Protocol):
    """What tells how near texts are to a question."""

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a number a text, the higher the nearer."""
        ...


class ResearchParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn passes through."""

    settings: ResearchSettings
    executors: Executors
    admission: Admission | Unbounded
    engine: Engine
    library: Library
    relevance: Judges
    analyser: Analyser
    remembered: RememberedTalks
    counters: Counters


class ResearchTurn:
    """A question on its way to a reply. What is known of it is in ``findings`` at every moment."""

    def __init__(
        self,
        parts: ResearchParts,
        request: Request,
        sources: Sequence[str],
        steps: Steps,
        calls: TurnCalls,
        findings: Findings,
        on_token: TokenSink | None,
        on_change: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._request = request
        self._sources = sources
        self._steps = steps
        self._calls = calls
        self._findings = findings
        self._on_token = on_token
        self._on_change = on_change
        self._before = SaidBefore()
        self._shelf: Shelf | None = None
        self._scored: list[Scored] = []
        self._reply: Reply | None = None

    async def reply(self, arrived: float) -> Reply:
        """Return the reply to the request, which arrived then (`time.perf_counter`). Raises `EngineError`."""
        at_once = self._parts.settings.steps == "parallel"
        # What is read and remembered does not depend on the topics: the sources are those that a person named.
        await together([self._name_topics, self._read, self._recall], at_once=at_once)
        await self._rank()
        # Nor does the answer depend on the analysis, which is told beside it.
        await together([partial(self._answer, arrived), self._analyse], at_once=at_once)
        await self._remember()
        assert self._reply is not None
        self._parts.counters.turns += 1
        self._findings.complete = True
        self._findings.degraded = self._steps.degraded
        total_s = time.perf_counter() - arrived
        return msgspec.structs.replace(self._reply, degraded=self._steps.degraded, total_s=total_s)

    async def _name_topics(self) -> None:
        question = self._request.text
        own = topics.own_words(question)
        if self._parts.settings.topics == "words":
            self._findings.topics = own
            return
        call = Call(messages=topics.messages(question), max_tokens=topics.TOKENS, check=self._steps.wanted.check)

        async def name() -> tuple[str, ...]:
            async with self._parts.admission.slot():
                self._calls.spend("topics")
                called = await self._generated(call)
            self._count(called)
            return topics.parsed(called.generation.text, question)

        with self._timed("topics"):
            self._findings.topics = await self._steps.run_or("topics", name, own, "the question's own words")
        self._on_change()

    async def _read(self) -> None:
        def note(found: Document | SourceRefusal) -> None:
            if isinstance(found, Document):
                read = SourceRead(source=found.source, title=found.title, characters=len(found.text))
                self._findings.read.append(read)
            else:
                self._findings.refused.append(found)
            self._on_change()

        async def read() -> Shelf | None:
            shelf = await self._parts.library.read(self._sources, note)
            if not shelf.documents:
                raise NothingRead("None of the sources could be read.")
            return shelf

        with self._timed("sources"):
            self._shelf = await self._steps.run_or("sources", read, None, "no sources")

    async def _recall(self) -> None:
        request, recent = self._request, self._parts.settings.recent_messages
        if request.before is not None:  # a client that keeps the conversation itself says what was said
            self._before = SaidBefore("", request.before[-recent:])
            return

        async def recall() -> SaidBefore:
            return await self._parts.remembered.recall(request.talk)

        with self._timed("memory"):
            self._before = await self._steps.run_or("memory lookup", recall, SaidBefore(), "an empty history")

    async def _rank(self) -> None:
        """Choose the passages that the model may be given, best first."""
        shelf, most = self._shelf, self._parts.settings.passages
        if shelf is None:
            return
        sought = topics.sought(self._request.text, self._findings.topics)
        found = shelf.index.best(sought, _CANDIDATES)
        self._scored = found[:most]
        if not found:
            return
        texts = [_titled(shelf.passages[each.place]) for each in found]
        nothing: list[float] = []

        async def judge() -> list[float]:
            return await self._parts.relevance.scores(sought, texts)

        with self._timed("relevance"):
            scores = await self._steps.run_or("relevance", judge, nothing, "the order of the words alone")
        if scores:
            self._scored = reranked(found, scores, most)

    async def _analyse(self) -> None:
        shelf = self._shelf
        if shelf is None or not shelf.documents:
            return
        nearest: dict[int, float] = {}
        for scored in self._scored:
            place = shelf.places[scored.place]
            nearest[place] = max(scored.score, nearest.get(place, 0.0))

        with self._timed("analysis"):
            self._findings.analysis = await self._steps.run_or(
                "analysis", partial(self._parts.analyser.told, shelf.documents, nearest), None, "no analysis"
            )
        self._on_change()

    async def _answer(self, arrived: float) -> None:
        request, settings = self._request, self._parts.settings
        tokens = settings.answer_tokens if request.max_tokens is None else request.max_tokens
        prompt = await self._parts.executors.run("engine", self._prompt, tokens)
        self._findings.passages = tuple(prompt.passages)
        self._on_change()
        citing = Citing(len(prompt.passages))
        heard = None if self._on_token is None else _Heard(citing, self._on_token, self._findings)
        sink = None if heard is None else awaiting.Sink(heard, self._steps.wanted)
        call = Call(
            messages=prompt.messages,
            shorter=partial(synthesis.shorter, request.text, prompt.passages, request.instructions),
            max_tokens=tokens,
            conversation=request.talk,
            sampling=request.sampling,
            grammar=request.grammar,
            likeliest=request.likeliest,
            all_messages=request.all_messages,
            on_token=sink,
            check=self._steps.wanted.check,
        )

        async def generate() -> Called:
            self._calls.spend("answer")
            return await self._generated(call)

        async with self._parts.admission.slot():
            self._parts.counters.generations += 1
            with self._timed("answer"):
                called = await self._steps.run("model", generate, may_repeat=lambda: sink is None or not sink.used)
        self._count(called)
        if heard is not None:
            heard.end()
        self._conclude(called, prompt, arrived)

    def _conclude(self, called: Called, prompt: ResearchPrompt, arrived: float) -> None:
        """Have the reply say what was generated, with what it rests on."""
        generation, request = called.generation, self._request
        given = prompt.passages[: len(prompt.passages) - generation.dropped_notes]
        citing = Citing(len(given))
        # What must be of a form stays as it was said; otherwise this is what streamed, unless passages found no room.
        text = generation.text if request.grammar else citing.feed(generation.text) + citing.end()
        memories = [synthesis.laid_out(number, each) for number, each in enumerate(prompt.passages, 1)]
        reply = Reply.of(request, generation, called_s=called.at - arrived, memories=memories)
        dropped = generation.dropped_messages + prompt.dropped_messages
        self._reply = msgspec.structs.replace(reply, text=text, dropped_messages=dropped)
        self._findings.passages = tuple(given)
        self._findings.answer = text
        self._findings.cited = checked(text, request.text, [_titled(each) for each in given], citing)
        self._on_change()

    def _prompt(self, tokens: int) -> ResearchPrompt:
        settings, engine, shelf = self._parts.settings, self._parts.engine, self._shelf
        scored = [] if shelf is None else self._scored
        passages = [
            msgspec.structs.replace(shelf.passages[each.place], relevance=each.score) for each in scored if shelf
        ]
        return synthesis.prompt(
            self._request.text,
            passages,
            self._before,
            self._request.instructions,
            engine.count,
            passage_tokens=settings.passage_tokens,
            answer_tokens=tokens,
            context_tokens=engine.context_tokens,
        )

    async def _remember(self) -> None:
        if not self._request.kept or self._reply is None:
            return
        saving = asyncio.create_task(self._save(self._reply), name="saving")
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            # Whoever stops a turn now has to know whether it is kept: else it would be kept twice.
            await asyncio.wait({saving})
            if not saving.cancelled():
                saving.exception()  # it is told of being cancelled
            raise

    async def _save(self, reply: Reply) -> None:
        request = self._request

        async def save() -> None:
            said = [Message("user", request.text), Message("assistant", reply.text)]
            await self._parts.remembered.keep(request.talk, said, self._findings.passages)
            self._findings.kept = True

        with self._timed("saving"):
            await self._steps.run_or("saving", save, None, "not saved")
        if self._findings.kept:
            self._parts.counters.saved += 1
        else:
            self._parts.counters.unsaved += 1

    async def _generated(self, call: Call) -> Called:
        """Call the engine, beside the loop or, traditionally, in it."""
        on_thread = partial(self._parts.executors.run, "engine")
        may_await = self._parts.settings.generating == "thread"
        return await awaiting.reply(self._parts.engine, call, self._steps.wanted, on_thread, may_await=may_await)

    def _count(self, called: Called) -> None:
        self._parts.counters.prompt_tokens += called.generation.prompt_tokens
        self._parts.counters.reused_tokens += called.generation.reused_tokens

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._findings.seconds[step] = round(time.perf_counter() - began, 6)


class _Heard:
    """Passes the pieces of an answer on as far as they are checked, and has the findings hold them."""

    def __init__(self, citing: Citing, on_token: TokenSink, findings: Findings) -> None:
        self._citing = citing
        self._on_token = on_token
        self._findings = findings

    def __call__(self, piece: str) -> None:
        self._pass_on(self._citing.feed(piece))

    def end(self) -> None:
        """Pass on what was kept back."""
        self._pass_on(self._citing.end())

    def _pass_on(self, text: str) -> None:
        if text:
            self._findings.answer += text
            self._on_token(text)


async def together(steps: Sequence[Callable[[], Awaitable[None]]], *, at_once: bool) -> None:
    """Do every step, one after another or all at once; where one raises, the others are cancelled and waited for."""
    if not at_once:
        for step in steps:
            await step()
        return
    tasks = [asyncio.ensure_future(step()) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _titled(passage: FoundPassage) -> str:
    return passage.text if passage.text.startswith(passage.title) else f"{passage.title}\n{passage.text}"
