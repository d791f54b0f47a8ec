"""The traditional agent: everything loaded at start, then one synchronous turn after another."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec

from systems.baseline.description import DESCRIPTION
from systems.baseline.settings import BaselineSettings
from systems.engines.interface import Call, Engine
from systems.errors import SystemClosed
from systems.interface import BlockingSystem, Counters, Reply, Request, Source, TokenSink
from systems.mechanisms import calling
from systems.mechanisms.caches import FifoCache
from systems.memory.holding import Hold
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.memory.terms import TermKeywords
from systems.turn import commands, history, notes, prompt
from systems.turn.history import Exchange, Histories, keep_newest
from systems.turn.surroundings import classify_emotion, observe, read_system_information


class Baseline(BlockingSystem):
    """One turn: command, keywords, system information, emotion, memory lookup, history, model, save."""

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = BaselineSettings

    def __init__(self, settings: BaselineSettings, engine: Engine, data_dir: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._keywords = Keywords(fast=settings.fast_segmentation) if settings.dictionary else TermKeywords()
        self._store = LikeStore(data_dir / "memory.sqlite")
        self._hold = Hold(data_dir / "memory.sqlite")
        self._histories = Histories(settings.history_length, settings.sessions, keep_newest)
        self._cache = FifoCache(settings.replies_cached())
        self._counters = Counters()
        self._running = False

    def start(self) -> None:
        """Load the keywords, the store and the model."""
        self._hold.take()
        try:
            self._keywords.load()
            self._store.open()
            self._engine.load()
        except BaseException:
            self._hold.release()
            raise
        self._running = True

    def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request, from first step to last, on the calling thread."""
        if not self._running:
            raise SystemClosed("The baseline agent is not running.")
        arrived = time.perf_counter()
        request.check_form(self._engine)
        if request.commands and commands.is_command(request.text):
            return self._command(request, arrived)

        keywords = self._keywords.extract(request.text)
        system = read_system_information()
        emotion = classify_emotion(request.text)
        observed = observe(system, emotion, request.observed)
        found = self._store.find(request.session, keywords, self._settings.memories)
        memories = noted = notes.worth(self._settings.layout, found)
        if not notes.fit_surely(self._settings.layout, memories, self._settings.note_tokens):
            noted = notes.within(self._settings.layout, memories, self._settings.note_tokens, self._engine.count)
            memories = memories[: len(noted)]
        said = self._histories.messages(request.talk) if request.before is None else list(request.before)

        key = prompt.cache_key(self._settings.cache_key, request, self._engine.identity, said, noted, observed)
        cached = self._cache.get(key) if request.may_be_cached else None
        if cached is None:
            self._counters.cache_misses += 1
            self._counters.generations += 1
            layout, text, told = self._settings.layout, request.text, request.instructions
            call = Call(
                messages=prompt.build(layout, said, noted, observed, text, told),
                shorter=partial(prompt.shorter, layout, noted, observed, text, told),
                max_tokens=request.max_tokens,
                conversation=request.talk,
                sampling=request.sampling,
                grammar=request.grammar,
                likeliest=request.likeliest,
                all_messages=request.all_messages,
                on_token=on_token,
            )
            generation, called = calling.generate(self._engine, call)
            self._counters.prompt_tokens += generation.prompt_tokens
            self._counters.reused_tokens += generation.reused_tokens
            reply = Reply.of(request, generation, called_s=called - arrived, memories=memories)
            if request.may_be_cached:
                self._cache.put(key, reply)
        else:
            self._counters.cache_hits += 1
            reply = cached.served_again(request.id, first_token_s=time.perf_counter() - arrived)
            if on_token is not None:
                on_token(reply.text)

        if request.kept:
            self._remember(request, reply.text, keywords)
        self._counters.turns += 1
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what was counted since `start`."""
        return self._counters

    def close(self) -> None:
        """Release the model; every turn was saved before it was acknowledged."""
        self._running = False
        try:
            self._engine.close()
        finally:
            self._hold.release()

    def _remember(self, request: Request, answer: str, keywords: Sequence[str]) -> None:
        turn = SavedTurn(
            session=request.session,
            conversation=request.conversation or "",
            question=request.text,
            answer=answer,
            keywords=tuple(keywords),
        )
        self._store.save([turn])
        self._counters.saved += 1
        if request.before is None:
            self._histories.add(request.talk, Exchange(request.text, answer))
        else:
            self._histories.replace(request.talk, history.told(request.before, request.text, answer))

    def _command(self, request: Request, arrived: float) -> Reply:
        text = commands.answer(request.text, request.talk, self._histories, self._cache)
        self._counters.turns += 1
        return Reply(request_id=request.id, text=text, source=Source.COMMAND, total_s=time.perf_counter() - arrived)
