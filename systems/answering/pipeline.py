"""One turn, step by step, in the order of the traditional one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import eq

import msgspec

from systems.answering.beside import Looked, LowerTiers, ModelChoice, Similar
from systems.answering.lookups import LongTermMemory
from systems.answering.parts import Bare, Lay, ReplyCache, Saver, Shown
from systems.answering.settings import AnsweringSettings
from systems.engines.interface import Call, Engine, Message
from systems.errors import NotSaved, StoreError
from systems.interface import Counters, Reply, Request, Source, TokenSink
from systems.logs import swallowed
from systems.mechanisms import awaiting, calling
from systems.mechanisms.admission import Admitting
from systems.mechanisms.handed import Handed
from systems.mechanisms.isolation import Executors
from systems.mechanisms.resources import Resource
from systems.mechanisms.steps import Steps
from systems.memory.importance import is_important
from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn
from systems.turn import commands, history, notes, prompt, transcript
from systems.turn.history import Exchange, Histories
from systems.turn.surroundings import LastReading, classify_emotion, observe

log = logging.getLogger(__name__)

# Characters. A text as short as this is cut into words in about the time that sending it to a thread and back takes;
# and cutting holds the interpreter lock, so that a thread would keep the loop waiting all the same.
SHORT_TEXT = 256


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """The parts one turn passes through.

    A conversation that is not held goes on as it left for the ``tiers``, or else from what was saved of it; without
    tiers, and where a client tells what was said before, from that alone. ``similar`` replies are looked for before
    any other step. Where there are ``models`` to choose from, ``engine`` has all of them loaded.
    """

    settings: AnsweringSettings
    executors: Executors
    admission: Admitting
    system: LastReading
    keywords: Resource[Keywords]
    engine: Resource[Engine]
    engine_identity: str
    store: Resource[LongTermMemory]
    saver: Saver
    handed: Handed
    histories: Histories
    cache: ReplyCache
    counters: Counters
    tiers: LowerTiers | None = None
    similar: Similar | None = None
    models: ModelChoice | None = None

    async def turn(self, request: Request, steps: Steps, on_token: TokenSink | None, arrived: float) -> Reply:
        """Answer ``request`` in ``steps``, which arrived at ``arrived`` (`time.perf_counter`)."""
        self.handed.begins(request)
        is_command = request.commands and commands.is_command(request.text)
        lay = Lay()
        if is_command or self._needs_history(request):
            lay = await self._recall(request, steps)
        if is_command:
            if commands.empties_history(request.text):
                await self._empty_history(request, steps)
            text = commands.answer(request.text, request.talk, self.histories, self.cache)
            self.counters.turns += 1
            reply = Reply(request_id=request.id, text=text, source=Source.COMMAND)
            return self._done(reply, steps, lay, arrived)

        cleared = self.cache.cleared
        asked = await self._asked(request, steps)
        if asked.reply is not None:
            reply = self._served_again(request, asked.reply, on_token, arrived)
            await self._remember(request, reply, await self._keywords(request.text, steps), steps, Shown())
            return self._done(reply, steps, lay, arrived)

        keywords = await self._keywords(request.text, steps)
        observed = observe(await self._system_information(steps), classify_emotion(request.text), request.observed)
        said = self._said(request)
        memories, noted = await self._find(request, keywords, steps)

        identity = self.engine_identity if self.models is None else self.models.engine_for(request).identity
        key = prompt.cache_key(self.settings.cache_key, request, identity, said, noted, observed)
        cached = self._cached(key, steps) if request.may_be_cached else None
        shown = Shown()
        if cached is None:
            self.counters.cache_misses += 1
            # The engine asks `wanted` between tokens; where nobody listens it need not call for each as well.
            sink = None if on_token is None else awaiting.Sink(on_token, steps.wanted)
            layout, text, told = self.settings.layout, request.text, request.instructions
            plain = transcript.bare(said)
            bare = None if plain is None else Bare(partial(prompt.build, layout, plain, noted, observed, text, told))
            call = Call(
                messages=prompt.build(layout, said, noted, observed, text, told),
                bare=bare,
                shorter=partial(prompt.shorter, layout, noted, observed, text, told),
                max_tokens=request.max_tokens,
                conversation=request.talk,
                sampling=request.sampling,
                grammar=request.grammar,
                likeliest=request.likeliest,
                all_messages=request.all_messages,
                on_token=sink,
                check=steps.wanted.check,
            )
            reply = await self._generate(request, call, memories, steps, sink, arrived)
            shown = self._shown(request, call, reply, cleared)._replace(bare=bare is not None and bare.needed)
            if request.may_be_cached and self.cache.cleared == cleared:  # it may know what was forgotten meanwhile
                self._cache(key, reply, steps)
                await self._answered(request, asked, reply, steps)
        else:
            self.counters.cache_hits += 1
            reply = self._served_again(request, cached, on_token, arrived)

        await self._remember(request, reply, keywords, steps, shown)
        return self._done(reply, steps, lay, arrived)

    def _served_again(self, request: Request, known: Reply, on_token: TokenSink | None, arrived: float) -> Reply:
        reply = known.served_again(request.id, first_token_s=time.perf_counter() - arrived)
        if on_token is not None:
            on_token(reply.text)
        return reply

    def _done(self, reply: Reply, steps: Steps, lay: Lay, arrived: float) -> Reply:
        return msgspec.structs.replace(
            reply,
            degraded=steps.degraded,
            total_s=time.perf_counter() - arrived,
            tier=lay.tier,
            fetched_s=lay.fetched_s,
        )

    async def turn_again(self, request: Request, steps: Steps, reply: Reply) -> None:
        """Remember a turn that got the ``reply`` of another one, asked at the same time."""
        self.handed.begins(request)
        self.counters.coalesced += 1
        if self._needs_history(request):
            await self._recall(request, steps)
        await self._remember(request, reply, await self._keywords(request.text, steps), steps, Shown())

    async def stopped(self, request: Request, steps: Steps, answer: str) -> None:
        """Remember a turn whose reply was stopped where ``answer`` ends, unless all of it was remembered by then."""
        await self.saver.decided()
        if self.handed.has(request):
            return
        if self._needs_history(request):
            await self._recall(request, steps)
        if self.similar is not None:
            self.similar.told(request)
        reply = Reply(request_id=request.id, text=answer, source=Source.MODEL)
        await self._remember(request, reply, await self._keywords(request.text, steps), steps, Shown())

    async def _remember(
        self, request: Request, reply: Reply, keywords: Sequence[str], steps: Steps, shown: Shown
    ) -> None:
        if request.kept:
            await self._keep(request, reply, keywords, steps, shown)
        self.counters.turns += 1

    async def _keep(self, request: Request, reply: Reply, keywords: Sequence[str], steps: Steps, shown: Shown) -> None:
        important = is_important(request.text)
        turn = SavedTurn(
            session=request.session,
            conversation=request.conversation or "",
            question=request.text,
            answer=reply.text,
            keywords=tuple(keywords),
            important=important,
        )
        # As soon as it is saved, it is said: also where somebody stops the turn in between.
        said = partial(self._say, request, reply, shown, important=important)
        try:
            # Who leaves while it is saved leaves it to be saved: its history must be there to go on then.
            await (self.saver.add(turn, said) if self.tiers is None else self._held_until_saved(request, turn, said))
        except NotSaved as error:
            steps.failed("saving", error, "not saved")
            self.counters.unsaved += 1
            said()

    async def _held_until_saved(self, request: Request, turn: SavedTurn, said: Callable[[], None]) -> None:
        async def save() -> None:
            with self.histories.in_use(request.talk):
                await self.saver.add(turn, said)

        await asyncio.shield(asyncio.create_task(save(), name="saving"))

    def _say(self, request: Request, reply: Reply, shown: Shown, *, important: bool) -> None:
        """Have the history go on with a turn, which was handed over to be saved."""
        self.handed.over(request)
        if shown.bare:
            self.histories.lay_bare(partial(eq, request.talk))
        if shown.cleared != self.cache.cleared:  # what was forgotten meanwhile may stand there
            shown = shown._replace(sent="")
        exchange = Exchange(request.text, reply.text, important, shown.sent)
        if request.before is None:
            counted = reply.prompt_tokens + reply.generated_tokens if reply.source is Source.MODEL else 0
            tokens = int(counted * shown.of_history)
            self.histories.add(request.talk, exchange, tokens, outgrown=reply.dropped_messages > 0)
        else:
            told = history.told(request.before, request.text, reply.text)
            if told[-1].question == request.text:
                told[-1] = exchange
            self.go_on_from(request.talk, told)

    def go_on_from(self, talk: str, told: list[Exchange]) -> None:
        """Let the history of the conversation called ``talk`` be what a client, or the file, has of it.

        How many tokens that is need not be known: who tells of it decides how long a prompt is, and where the context
        has no room for that, what earlier questions were sent with leaves by itself (`_Bare`).
        """
        held = self.histories.exchanges(talk) if self.histories.grow else ()
        gone_on = transcript.gone_on(told, held)
        if gone_on is not None:
            self.histories.go_on(talk, _weighed(gone_on))
            return
        newest = self.histories.newest(talk, told)  # what is important takes a while to say of a long text
        self.histories.replace(talk, _weighed(transcript.carried(newest, held)))

    def _said(self, request: Request) -> list[Message]:
        """Return what was said before ``request``: what a client says, or else what the agent's own history holds."""
        if request.before is None:
            return self.histories.messages(request.talk)
        if self.histories.grow:
            return transcript.as_sent(request.before, self.histories.exchanges(request.talk))
        return list(request.before)

    def _shown(self, request: Request, call: Call, reply: Reply, cleared: int) -> Shown:
        """Return how the question of ``call`` stays in a history that grows: as it was sent, if all of it was."""
        if not self.histories.grow:
            return Shown()
        lengths = [len(message.content) for message in call.messages]
        of_history = 1 - lengths[0] / sum(lengths) if call.messages[0].role == "system" else 1.0
        sent = call.messages[-1].content
        return Shown("" if sent == request.text or reply.dropped_notes else sent, cleared, of_history)

    async def _keywords(self, text: str, steps: Steps) -> list[str]:
        """Return the published keywords of ``text``, none where memory is not asked by them."""
        nothing: list[str] = []
        if not self.settings.needs_keywords():
            return nothing

        async def extract() -> list[str]:
            cutter = await self.keywords.get()
            if len(text) <= SHORT_TEXT:
                return cutter.extract(text)
            return await self.executors.run("keywords", cutter.extract, text)

        return await steps.run_or("keywords", extract, nothing, "no keywords")

    async def _system_information(self, steps: Steps) -> str:
        if self.system.fresh:
            return self.system.read()
        return await steps.run_or(
            "system information", lambda: self.executors.run("system", self.system.read), "unknown", "unknown"
        )

    def _needs_history(self, request: Request) -> bool:
        """Return whether a turn goes on from what is held or saved, and not only from what a client tells."""
        return self.tiers is not None or request.before is None

    async def _recall(self, request: Request, steps: Steps) -> Lay:
        """Have the history of a conversation that is not held be as it left, or else what was saved of it."""
        talk = request.talk
        if self.histories.knows(talk):
            return Lay() if self.tiers is None else Lay("hot", 0.0)
        if self.tiers is not None:
            cleared = self.cache.cleared
            found = None
            try:
                found = await self.tiers.fetch(talk)
            except StoreError as error:  # they know how long a turn may wait: it is not tried again
                steps.failed("memory lookup", error, "what was saved")
            if found is not None and await self._is_newest(request, found.exchanges):
                known = found.exchanges
                if cleared != self.cache.cleared:  # what was forgotten meanwhile may stand in what was sent
                    known = [exchange.bare() for exchange in known]
                self.counters.fetched += 1
                self.histories.take(talk, known)
                return Lay(found.tier, found.seconds)

        async def read() -> list[Exchange]:
            if self.saver.waits(request.session, request.conversation or ""):
                await self.saver.settled()
            memory = await self.store.get()
            return await memory.newest(request.session, request.conversation or "", self.histories.length(talk) // 2)

        nothing: list[Exchange] = []
        try:
            self.go_on_from(talk, await steps.run_or("memory lookup", read, nothing, "an empty history"))
        finally:
            if self.tiers is not None and not self.histories.knows(talk):  # it is held nowhere, and takes up no room
                self.tiers.leave_hot(talk, ())
        return Lay()

    async def _is_newest(self, request: Request, exchanges: Sequence[Exchange]) -> bool:
        """Return whether ``exchanges`` end with what was saved last of the conversation.

        They do not after a kill that kept a state from being taken out of its file, nor where another program forgot,
        or an agent without tiers went on. Where that cannot be read they count, as where the store is not asked for it.
        """
        if not self.settings.full_text:
            return True
        try:
            memory = await self.store.get()
            newest = await memory.newest(request.session, request.conversation or "", 1)
        except StoreError as error:
            swallowed(log, "the newest turn of a conversation could not be read", error)
            return True
        last = exchanges[-1:]
        return [(each.question, each.answer) for each in last] == [(each.question, each.answer) for each in newest]

    async def _empty_history(self, request: Request, steps: Steps) -> None:
        """Have a history that is about to be emptied stay so when it is recalled. Raises `NotSaved`, `StoreError`."""

        async def write() -> None:
            await self.saver.settled()
            if self.tiers is not None:
                await self.tiers.wake(request.session)
            memory = await self.store.get()
            await memory.empty_history(request.session, request.conversation or "")

        await steps.run("saving", write)

    async def _asked(self, request: Request, steps: Steps) -> Looked:
        """Return what is known of the question; and a reply, if one was given to what means the same."""
        if self.similar is None:
            return Looked()
        if not request.may_be_cached:
            if request.kept:
                self.similar.told(request)
            return Looked()
        asked = await steps.run_or("cache", partial(self.similar.asked, request), Looked(), "a miss")
        if asked.reply is not None:
            self.counters.similar_hits += 1
        return asked

    async def _answered(self, request: Request, asked: Looked, reply: Reply, steps: Steps) -> None:
        if self.similar is not None and asked.scope:
            await steps.run_or("cache", partial(self.similar.answered, request, asked, reply), None, "not stored")

    async def _find(self, request: Request, keywords: Sequence[str], steps: Steps) -> tuple[list[str], list[str]]:
        """Return what was remembered, and the notes that the prompt has of it."""

        async def find() -> tuple[list[str], list[str]]:
            layout, most = self.settings.layout, self.settings.note_tokens
            found = await self._found(request, keywords)
            memories = notes.worth(layout, [each.question for each in found])
            answers = {each.question: each.answer for each in found}
            noted = [notes.answered(each, answers[each]) for each in memories]
            if notes.fit_surely(layout, noted, most):
                return memories, noted
            engine = await self.engine.get()
            # Beside a thread that generates: a long text takes milliseconds to count.
            noted = await self.executors.run("keywords", notes.within, layout, noted, most, engine.count)
            return memories[: len(noted)], noted

        nothing: tuple[list[str], list[str]] = ([], [])
        return await steps.run_or("memory lookup", find, nothing, "no memories")

    async def _found(self, request: Request, keywords: Sequence[str]) -> list[Exchange]:
        """Return what was remembered, best first, with how it was answered where notes are to say that."""
        memory = await self.store.get()
        asked = request.session, request.text, keywords, self.settings.memories
        if not self.settings.notes_answers():
            return [Exchange(text, "") for text in await memory.find(*asked)]
        return await memory.find_answered(*asked)

    def _cached(self, key: str, steps: Steps) -> Reply | None:
        try:
            return self.cache.get(key)
        except Exception as error:  # noqa: BLE001 - a cache only saves time: whatever it meets, the model can answer
            steps.failed("cache", error, "a miss")
            return None

    def _cache(self, key: str, reply: Reply, steps: Steps) -> None:
        if steps.degraded:
            return  # the next asking of this question may get a better answer
        try:
            self.cache.put(key, reply)
        except Exception as error:  # noqa: BLE001 - as above
            steps.failed("cache", error, "not stored")

    async def _generate(
        self,
        request: Request,
        call: Call,
        memories: list[str],
        steps: Steps,
        sink: awaiting.Sink | None,
        arrived: float,
    ) -> Reply:
        on_thread = partial(self.executors.run, "engine")

        async def reply() -> calling.Called:
            engine = await self.engine.get()
            if self.models is not None:
                engine = self.models.engine_for(request)
            return await awaiting.reply(engine, call, steps.wanted, on_thread, may_await=self.settings.isolation)

        async with self.admission.slot():
            self.counters.generations += 1
            # What was streamed cannot be taken back, so a call that has spoken is not repeated.
            generation, called = await steps.run("model", reply, may_repeat=lambda: sink is None or not sink.used)
        self.counters.prompt_tokens += generation.prompt_tokens
        self.counters.reused_tokens += generation.reused_tokens
        return Reply.of(request, generation, called_s=called - arrived, memories=memories)


def _weighed(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [msgspec.structs.replace(each, important=is_important(each.question)) for each in exchanges]
