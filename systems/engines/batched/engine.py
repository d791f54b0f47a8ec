"""The batched engine: continuous batching, shared prefixes, and conversations that keep what they have computed.

One thread decodes. In every step each running reply gets its next token and waiting prompts get a part of theirs, all
in one batch; requests join and leave between steps. What a conversation has computed stays where it is until its place
is needed, then goes to `States`, and comes back when the conversation does. A beginning that two conversations share
(the system prompt, as a rule) is computed once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from systems.engines.batched.context import Context, Model, Piece, padded
from systems.engines.batched.jobs import Job
from systems.engines.batched.schedule import place, shares
from systems.engines.batched.states import State, States
from systems.engines.interface import AsyncEngine, Generation, Message, Sampling
from systems.engines.llama import usable_cpus
from systems.errors import Abandoned, EngineError, FourgigError, ModelError, PromptTooLong
from systems.logs import swallowed

log = logging.getLogger(__name__)

# A beginning shorter than this, in tokens, is computed sooner than it is copied.
SHORTEST_PREFIX = 32

# How many shared beginnings are kept: those of the system prompts in use.
PREFIXES = 4

# Messages that leave together when a conversation has outgrown its context: what is left then begins alike for
# several turns, and its state stays of use.
DROPPED_TOGETHER = 8

# How often a waiting caller looks whether its reply is still wanted, in seconds.
_LOOK_S = 0.5


class BatchedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine works. Tokens, seconds and bytes.

    ``slots`` conversations are computed at once, each of at most ``context_tokens``. While replies run, a step computes
    at most ``chunk_tokens`` of new prompts. ``memory_bytes`` bounds the context and the states of idle conversations
    together; fewer slots are used if the context alone would not fit. ``disk_bytes`` more may go to a temporary
    folder. ``flash_attention`` None means only with keys and values of eight bits, which need it; ``threads`` None as
    many as this process may use CPUs. A step longer than ``stuck_s`` fails its callers. Without ``share_prefixes``
    every conversation computes its own beginning, without ``keep_states`` all of it at every turn: for measuring what
    they bring.
    """

    model_path: str
    slots: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    context_tokens: Annotated[int, msgspec.Meta(ge=1)] = 2048
    batch_tokens: Annotated[int, msgspec.Meta(ge=1)] = 512
    chunk_tokens: Annotated[int, msgspec.Meta(ge=1)] = 256
    threads: Annotated[int, msgspec.Meta(ge=1)] | None = None
    key_value: Literal["f16", "q8_0"] = "f16"
    flash_attention: bool | None = None
    memory_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1 << 30
    disk_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    share_prefixes: bool = True
    keep_states: bool = True
    use_mmap: bool = True
    repack: bool = True
    stuck_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    sampling: Sampling = Sampling()


class BatchedCounters(msgspec.Struct, kw_only=True):
    """What was done since the engine was loaded. ``reused_tokens`` of ``prompt_tokens`` had been computed before."""

    requests: int = 0
    steps: int = 0
    decoded_tokens: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    prefixes: int = 0
    saved_states: int = 0
    restored_states: int = 0
    spilled_states: int = 0
    dropped_states: int = 0
    failed_steps: int = 0


class _Slot:
    """A sequence of the context: the tokens it holds, and whose they are."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.owner: str | None = None
        self.job: Job | None = None
        self.sampler: Any = None
        self.used = 0


class BatchedEngine(AsyncEngine):
    """Serves many callers at once. ``on_token`` runs on the decoding thread: it must be short, and must not wait."""

    name: ClassVar[str] = "batched"
    summary: ClassVar[str] = "llama.cpp in process, many conversations in one batch, each keeping what it has computed"
    Settings: ClassVar[type[msgspec.Struct]] = BatchedSettings

    def __init__(self, settings: BatchedSettings) -> None:
        self._settings = settings
        self._path = Path(settings.model_path)
        self._loading = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._step_began: float | None = None
        self._model: Model | None = None
        self._system: tuple[str | None, list[int]] = (None, [])
        self._counters = BatchedCounters()

    @property
    def parallelism(self) -> int:
        """Twice the slots: a place that becomes free is then taken in the same step."""
        return 2 * self._settings.slots

    @property
    def identity(self) -> str:
        """The model by its file's name and size, and the settings a reply depends on."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        sampling = msgspec.json.encode(self._settings.sampling).decode()
        return f"batched:{self._path.name}:{size}:{self._settings.key_value}:{sampling}"

    @property
    def sampling(self) -> Sampling:
        """The settings' own."""
        return self._settings.sampling

    def load(self) -> None:
        """Load the model and start to decode; a second call does nothing. Raises `ModelError`."""
        with self._loading:
            if self._thread is not None:
                return
            set_to = self._settings
            model = Model(self._path, use_mmap=set_to.use_mmap, repack=set_to.repack)
            try:
                a_token = model.bytes_a_token(set_to.key_value)
                slots = _slots(set_to, a_token)
                context = Context(
                    model,
                    sequences=slots,
                    length=set_to.context_tokens,
                    batch=set_to.batch_tokens,
                    threads=set_to.threads or usable_cpus(),
                    key_value_type=set_to.key_value,
                    flash_attention=set_to.key_value != "f16"
                    if set_to.flash_attention is None
                    else set_to.flash_attention,
                )
            except BaseException:
                model.close()
                raise
            self._model = model
            self._closing = False
            self._counters = BatchedCounters()
            worker = _Decoder(
                self, model, context, set_to.memory_bytes - slots * padded(set_to.context_tokens) * a_token
            )
            self._thread = threading.Thread(target=worker.run, name="batched decode", daemon=True)
            self._thread.start()

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        forced_reply: str | None = None,
        on_token: Callable[[str], None] | None = None,
        conversation: str | None = None,
        check: Callable[[], None] | None = None,
        sampling: Sampling | None = None,
    ) -> Generation:
        """Generate, as `Engine.generate` says."""
        future = self.submit(
            messages,
            max_tokens=max_tokens,
            forced_reply=forced_reply,
            on_token=on_token,
            conversation=conversation,
            check=check,
            sampling=sampling,
        )
        try:
            while True:
                try:
                    return future.result(timeout=_LOOK_S)
                except NotYet:
                    if future.done():  # just now; or what the caller's own function raised is such an error
                        return future.result()
                    self._look_after(check)
        finally:
            future.cancel()

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        forced_reply: str | None = None,
        on_token: Callable[[str], None] | None = None,
        conversation: str | None = None,
        sampling: Sampling | None = None,
    ) -> Generation:
        """Generate without holding a thread; a caller that is cancelled frees its slot within a step."""
        left = threading.Event()

        def check() -> None:
            if left.is_set():
                raise Abandoned("Nobody waits for this reply.")

        try:
            future = await asyncio.to_thread(
                self.submit,
                messages,
                max_tokens=max_tokens,
                forced_reply=forced_reply,
                on_token=on_token,
                conversation=conversation,
                check=check,
                sampling=sampling,
            )
            waiting = asyncio.wrap_future(future)
            while not waiting.done():
                await asyncio.wait([waiting], timeout=_LOOK_S)
                self._look_after(None)
            return await waiting
        finally:
            left.set()  # however the caller left, even while its request was being handed over

    def submit(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        forced_reply: str | None = None,
        on_token: Callable[[str], None] | None = None,
        conversation: str | None = None,
        check: Callable[[], None] | None = None,
        sampling: Sampling | None = None,
    ) -> Future[Generation]:
        """Hand a request over and return at once; cancelling the future frees its slot within a step.

        Raises `PromptTooLong` if the last message alone does not fit, and `EngineError`.
        """
        asked = perf_counter()
        if max_tokens < 1:
            raise EngineError(f"At least one token must be asked for, not {max_tokens}.")
        model = self._model
        if model is None or self._closing:
            raise EngineError("The batched engine is not loaded.")
        prompt, dropped = self._fitted(model, messages, max_tokens)
        job = Job(
            prompt=prompt,
            system_tokens=self._system_tokens(model, messages),
            script=None if forced_reply is None else model.text.script(forced_reply)[:max_tokens],
            max_tokens=max_tokens,
            sampling=self._settings.sampling if sampling is None else sampling,
            conversation=conversation,
            dropped_messages=dropped,
            on_token=on_token,
            check=check,
            asked=asked,
        )
        with self._changed:
            if self._closing or self._thread is None:
                raise EngineError("The batched engine is not loaded.")
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    def counters(self) -> BatchedCounters:
        """Return what was done since the engine was loaded."""
        return msgspec.structs.replace(self._counters)

    def close(self) -> None:
        """Fail what is under way, and free the model; a second call does nothing."""
        with self._loading:
            with self._changed:
                self._closing = True
                self._changed.notify()
            if self._thread is not None:
                self._thread.join()
                self._thread = None
            model, self._model = self._model, None
            if model is not None:
                model.close()

    def _fitted(self, model: Model, messages: Sequence[Message], max_tokens: int) -> tuple[list[int], int]:
        """Return the prompt's tokens without the oldest messages that no longer fit, and how many these are."""
        room = self._settings.context_tokens - max_tokens
        prompt = model.text.prompt(messages)
        head = list(messages[:1]) if messages and messages[0].role == "system" else []
        rest, dropped = list(messages[len(head) :]), 0
        while len(prompt) > room and len(rest) > 1:
            leave = min(DROPPED_TOGETHER, len(rest) - 1)
            rest, dropped = rest[leave:], dropped + leave
            prompt = model.text.prompt(head + rest)
        if len(prompt) > room:
            raise PromptTooLong(
                f"The prompt of {len(prompt)} tokens and {max_tokens} tokens of reply do not fit the context "
                f"of {self._settings.context_tokens} tokens."
            )
        return prompt, dropped

    def _system_tokens(self, model: Model, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a prompt that has the system message alone; none if there is no such message."""
        if not messages or messages[0].role != "system":
            return []
        known = self._system
        if messages[0].content != known[0]:
            known = self._system = (messages[0].content, model.text.prompt(messages[:1]))
        return known[1]

    def _look_after(self, check: Callable[[], None] | None) -> None:
        if check is not None:
            check()
        began = self._step_began
        if began is not None and perf_counter() - began > self._settings.stuck_s:
            raise EngineError(f"llama.cpp has not finished a step for {self._settings.stuck_s:g} s.")


class _Decoder:
    """What the decoding thread does, step by step."""

    def __init__(self, engine: BatchedEngine, model: Model, context: Context, states_bytes: int) -> None:
        self._engine = engine
        self._settings = engine._settings
        self._counters = engine._counters
        self._model = model
        self._context = context
        self._seconds_a_token = 1e-3
        self._states: States[str | int] = States(
            states_bytes, self._settings.disk_bytes, lambda tokens: tokens * self._seconds_a_token
        )
        self._slots = [_Slot() for _ in range(context.sequences)]
        self._clock = 0
        # Beginnings that were seen: the latest prompt that began anew, and those kept in `States` by number.
        self._latest: tuple[str | None, NDArray[np.int32]] = (None, np.empty(0, np.int32))
        self._prefixes: dict[int, NDArray[np.int32]] = {}
        self._prefix_number = 0

    def run(self) -> None:
        """Decode until the engine closes."""
        engine = self._engine
        try:
            while True:
                with engine._changed:
                    while not engine._closing and not engine._waiting and not self._active():
                        engine._changed.wait()
                    if engine._closing:
                        break
                engine._step_began = perf_counter()
                try:
                    self._step()
                except Exception as error:  # noqa: BLE001 - a defect of one step must not end the engine
                    self._counters.failed_steps += 1
                    swallowed(log, "step failed", error)
                    self._fail(self._active(), error)
                finally:
                    engine._step_began = None
        finally:
            closed = EngineError("The batched engine was closed.")
            self._fail(self._active(), closed)
            with engine._changed:
                while engine._waiting:
                    _settle(engine._waiting.popleft(), closed)
            self._states.close()
            self._context.close()

    def _active(self) -> list[int]:
        return [number for number, slot in enumerate(self._slots) if slot.job is not None]

    def _step(self) -> None:
        self._let_go()
        self._admit()
        jobs = {number: job for number, slot in enumerate(self._slots) if (job := slot.job) is not None}
        if not jobs:
            return
        arrived = sorted(jobs.items(), key=lambda pair: pair[1].asked)
        left = {number: self._left(number, job) for number, job in arrived}
        share = shares(left, self._context.batch, self._settings.chunk_tokens)
        pieces = [self._piece(number, jobs[number], share[number]) for number in sorted(share)]
        began = perf_counter()
        try:
            places = self._context.decode(pieces)
        except EngineError as error:
            self._counters.failed_steps += 1
            self._fail([piece.sequence for piece in pieces], error)
            return
        count = sum(len(piece.tokens) for piece in pieces)
        if not any(jobs[piece.sequence].produced for piece in pieces):
            self._seconds_a_token += 0.2 * ((perf_counter() - began) / count - self._seconds_a_token)
        self._counters.steps += 1
        self._counters.decoded_tokens += count
        for number, tokens, _ in pieces:
            self._slots[number].tokens += tokens
            job = jobs[number]
            if job.learn_at and len(self._slots[number].tokens) == job.learn_at:
                self._learn(number, job)
        for number, where in places.items():
            self._say(number, jobs[number], where)

    def _let_go(self) -> None:
        """Drop the requests that nobody waits for any more."""
        engine = self._engine
        with engine._changed:
            waiting, engine._waiting = list(engine._waiting), deque()
        kept = []
        for job in waiting:
            reason = job.unwanted()
            if reason is None:
                kept.append(job)
            else:
                _settle(job, reason)
        with engine._changed:
            engine._waiting.extendleft(reversed(kept))
        for number, slot in enumerate(self._slots):
            reason = None if slot.job is None else slot.job.unwanted()
            if reason is not None:
                self._leave(number, reason)

    def _admit(self) -> None:
        """Give free slots to waiting requests, in order; a conversation's requests follow each other."""
        engine = self._engine
        with engine._changed:
            waiting = list(engine._waiting)
        busy = {slot.job.conversation for slot in self._slots if slot.job is not None}
        for job in waiting:
            free = place(set(self._active()), len(self._slots))
            if not free:
                break
            if job.conversation is not None and job.conversation in busy:
                continue
            if self._waits_for_prefix(job):
                continue
            with engine._changed:
                engine._waiting.remove(job)
            busy.add(job.conversation)
            try:
                self._begin(job, free)
            except Exception as error:
                _settle(job, EngineError(f"A request could not begin: {error!r}."))
                raise

    def _begin(self, job: Job, free: Sequence[int]) -> None:
        """Give ``job`` the best of the ``free`` slots, and there what was computed of its prompt before."""
        prompt = np.array(job.prompt, np.int32)
        own = None
        if job.conversation is not None:
            own = next((n for n, slot in enumerate(self._slots) if slot.owner == job.conversation), None)
        number = own if own is not None and own in free else min(free, key=lambda n: (self._slots[n].used, n))
        slot = self._slots[number]
        if number != own:
            stored = self._stored(job.conversation, own)
            self._vacate(number)
            shared = 0 if stored is None else _alike(stored.tokens, prompt)
            prefix = self._longest_prefix(prompt)
            if prefix is not None and _alike(self._prefixes[prefix], prompt) > shared:
                stored = self._states.take(prefix)
                if stored is None:
                    del self._prefixes[prefix]
                else:
                    self._states.put(prefix, stored)
            if stored is not None:
                self._restore(number, stored)
        # The last token is computed again: its logits are needed.
        shared = _alike(np.array(slot.tokens, np.int32), prompt[:-1])
        kept = self._context.cut(number, shared)
        del slot.tokens[kept:]
        self._clock += 1
        slot.owner, slot.job, slot.used = job.conversation, job, self._clock
        slot.sampler = self._sampler(job.sampling)
        job.reused = kept
        self._counters.requests += 1
        self._counters.prompt_tokens += len(prompt)
        self._counters.reused_tokens += kept
        if not self._settings.share_prefixes:
            return
        # The system prompt will be shared, and what another conversation began with as well.
        whose, latest = self._latest
        common = _alike(np.array(job.system_tokens, np.int32), prompt[:-1])
        if whose is None or whose != job.conversation:
            common = max(common, _alike(latest, prompt[:-1]))
        if common >= kept + SHORTEST_PREFIX:
            job.learn_at = common
        self._latest = (job.conversation, prompt)

    def _stored(self, conversation: str | None, own: int | None) -> State | None:
        """Return what the conversation computed before: from the slot ``own``, or from the states."""
        if conversation is None:
            return None
        if own is None:
            return self._states.take(conversation)
        state = self._saved(own)
        self._clear(own)
        return state

    def _restore(self, number: int, state: State) -> None:
        try:
            self._context.restore(number, state.data, len(state.tokens))
        except EngineError as error:  # it is computed again
            swallowed(log, "state not restored", error)
            return
        self._slots[number].tokens = state.tokens.tolist()
        self._counters.restored_states += 1

    def _vacate(self, number: int) -> None:
        """Move what the slot holds to the states, if somebody may come back for it."""
        slot = self._slots[number]
        if slot.owner is not None and len(slot.tokens) >= SHORTEST_PREFIX:
            state = self._saved(number)
            if state is not None:
                self._states.put(slot.owner, state)
        self._clear(number)

    def _saved(self, number: int) -> State | None:
        try:
            state = State(np.array(self._slots[number].tokens, np.int32), self._context.save(number))
        except (EngineError, MemoryError) as error:
            swallowed(log, "state not saved", error)
            return None
        self._counters.saved_states += 1
        self._counters.spilled_states, self._counters.dropped_states = self._states.spilled, self._states.dropped
        return state

    def _clear(self, number: int) -> None:
        slot = self._slots[number]
        self._context.clear(number)
        slot.tokens, slot.owner = [], None

    def _waits_for_prefix(self, job: Job) -> bool:
        """Return whether a beginning that ``job`` shares is just being computed."""
        for slot in self._slots:
            learner = slot.job
            if learner is not None and len(slot.tokens) < learner.learn_at:
                beginning = learner.prompt[: learner.learn_at]
                if job.prompt[: learner.learn_at] == beginning and job.conversation != learner.conversation:
                    return True
        return False

    def _longest_prefix(self, prompt: NDArray[np.int32]) -> int | None:
        fits = [number for number, tokens in self._prefixes.items() if _alike(tokens, prompt[:-1]) >= SHORTEST_PREFIX]
        return max(fits, key=lambda number: _alike(self._prefixes[number], prompt), default=None)

    def _learn(self, number: int, job: Job) -> None:
        """Keep what the slot holds for every conversation that begins alike."""
        job.learn_at = 0
        state = self._saved(number)
        if state is None:
            return
        self._prefix_number += 1
        self._prefixes[self._prefix_number] = state.tokens
        self._states.put(self._prefix_number, state)
        self._counters.prefixes += 1
        while len(self._prefixes) > PREFIXES:
            oldest = next(iter(self._prefixes))
            del self._prefixes[oldest]
            self._states.forget(oldest)

    def _left(self, number: int, job: Job) -> int:
        """Return how many tokens of the prompt are to be computed before the next stop; 0 if the reply is running."""
        held = len(self._slots[number].tokens)
        if job.learn_at > held:
            return job.learn_at - held
        return max(0, len(job.prompt) - held)

    def _piece(self, number: int, job: Job, share: int) -> Piece:
        held = len(self._slots[number].tokens)
        if held < len(job.prompt):
            return Piece(number, job.prompt[held : held + share], last=held + share == len(job.prompt))
        return Piece(number, job.produced[-1:], last=True)

    def _say(self, number: int, job: Job, where: int) -> None:
        text = self._model.text
        try:
            token = self._chosen(number, where)
            if job.script is not None:
                done = not job.script or job.take(*job.script[len(job.produced)])
            elif text.ends(token) and not job.sampling.ignore_end:
                done = True
            else:
                done = job.take(token, text.piece(token))
            if done:
                generation = job.generation()
        except BaseException as error:  # noqa: BLE001 - what the caller's function raises is the caller's
            self._leave(number, error)
            return
        if done:
            self._leave(number, None)
            _settle(job, generation)

    def _chosen(self, number: int, where: int) -> int:
        sampler = self._slots[number].sampler
        if sampler is None:
            return int(self._context.logits(where).argmax())
        return self._context.sample(sampler, where)

    def _sampler(self, sampling: Sampling) -> Any:
        """Return llama.cpp's sampler for ``sampling``; None if the likeliest token is all that is asked."""
        if sampling.temperature <= 0 and sampling.repeat_penalty == 1:
            return None
        library = self._model.library
        chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        parts = []
        if sampling.repeat_penalty != 1:
            parts.append(library.llama_sampler_init_penalties(self._model.words, 64, sampling.repeat_penalty, 0.0, 0.0))
        if sampling.temperature <= 0:
            parts.append(library.llama_sampler_init_greedy())
        else:
            parts += [
                library.llama_sampler_init_top_k(sampling.top_k),
                library.llama_sampler_init_top_p(sampling.top_p, 1),
                library.llama_sampler_init_min_p(sampling.min_p, 1),
                library.llama_sampler_init_temp(sampling.temperature),
                library.llama_sampler_init_dist(sampling.seed & 0x7FFFFFFF),  # the largest value means "draw a seed"
            ]
        for part in parts:
            library.llama_sampler_chain_add(chain, part)
        return chain

    def _leave(self, number: int, error: BaseException | None) -> None:
        """Free the slot; what it holds stays for the conversation's next request."""
        slot = self._slots[number]
        job, slot.job = slot.job, None
        if slot.sampler is not None:
            self._model.library.llama_sampler_free(slot.sampler)
            slot.sampler = None
        if slot.owner is None or not self._settings.keep_states:
            self._clear(number)
        if job is not None and error is not None:
            _settle(job, error)

    def _fail(self, numbers: Sequence[int], error: BaseException) -> None:
        for number in numbers:
            self._leave(number, error if isinstance(error, FourgigError) else EngineError(f"A step failed: {error!r}."))
            self._clear(number)


def _slots(settings: BatchedSettings, bytes_a_token: int) -> int:
    """Return how many slots the memory allows. Raises `ModelError` if it is none."""
    slots = min(settings.slots, settings.memory_bytes // (padded(settings.context_tokens) * bytes_a_token))
    if slots < 1:
        needs = padded(settings.context_tokens) * bytes_a_token / 2**20
        raise ModelError(
            f"One conversation of {settings.context_tokens} tokens takes {needs:.0f} MiB of key/value state; "
            f"{settings.memory_bytes / 2**20:.0f} MiB are allowed."
        )
    return slots


def _settle(job: Job, outcome: Generation | BaseException) -> None:
    # A caller may leave at any instant, from another thread: asking first whether it has would be too early.
    with suppress(InvalidStateError):
        if isinstance(outcome, Generation):
            job.future.set_result(outcome)
        else:
            job.future.set_exception(outcome)


def _alike(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> int:
    """Return how many tokens both begin with."""
    length = min(len(ours), len(theirs))
    different = np.nonzero(ours[:length] != theirs[:length])[0]
    return int(different[0]) if len(different) else length
