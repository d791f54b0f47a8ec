"""The batched engine: continuous batching, shared prefixes, and conversations that keep what they have computed.

Callers hand requests over from any thread or event loop; one thread decodes. In every step each running reply gets its
next token and waiting prompts get a part of theirs, all in one batch; requests join and leave between steps.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import ClassVar

import msgspec

from systems.engines.batched.context import Context, Model
from systems.engines.batched.decoder import Decoder
from systems.engines.batched.inbox import Inbox
from systems.engines.batched.jobs import Job
from systems.engines.batched.settings import BatchedCounters, BatchedSettings
from systems.engines.calibration.case import EngineChoice
from systems.engines.calibration.keeping import choice_for
from systems.engines.calibration.machine import usable_cpus
from systems.engines.context_length import padded
from systems.engines.fitting import fitted
from systems.engines.interface import AsyncEngine, Call, Generation, Message
from systems.engines.llama import warn_beyond
from systems.engines.sampling import chosen, require_tokens, said
from systems.errors import Abandoned, EngineError, ModelError
from systems.models.check import read_metadata, require_gguf
from systems.models.key_values import key_values

# How often a waiting caller looks whether its reply is still wanted, in seconds.
_LOOK_S = 0.5


class BatchedEngine(AsyncEngine):
    """Serves many callers at once. ``on_token`` runs on the decoding thread: it must be short, and must not wait."""

    name: ClassVar[str] = "batched"
    summary: ClassVar[str] = "llama.cpp in process, many conversations in one batch, each keeping what it has computed"
    Settings: ClassVar[type[msgspec.Struct]] = BatchedSettings

    def __init__(self, settings: BatchedSettings) -> None:
        self._settings = settings
        self._path = Path(settings.model_path)
        self._choice: EngineChoice | None = None
        self._loading = threading.Lock()
        self._using = threading.Lock()
        self._inbox: Inbox | None = None
        self._thread: threading.Thread | None = None
        self._model: Model | None = None
        self._context_tokens = 0
        self._system: tuple[str | None, list[int]] = (None, [])
        self._counters = BatchedCounters()

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._settings,)

    @property
    def parallelism(self) -> int:
        """Twice the slots: a place that becomes free is then taken in the same step."""
        return 2 * self._settings.slots

    @property
    def context_tokens(self) -> int | None:
        """Those of one conversation."""
        return self._context_tokens or self._settings.context_tokens

    @property
    def threads(self) -> int | None:
        """What is set."""
        return self._settings.threads

    @property
    def identity(self) -> str:
        """The model by its file's name and size, and the settings a reply depends on.

        How the model is sampled where no setting says is the file's to say, and in its name and size.
        """
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        sampling = msgspec.json.encode(said(self._settings.sampling)).decode()
        return f"batched:{self._path.name}:{size}:{self._settings.key_value}:{sampling}"

    @property
    def samples_as_asked(self) -> bool:
        """True."""
        return True

    @property
    def heeds_grammars(self) -> bool:
        """True."""
        return True

    def load(self) -> None:
        """Load the model and start to decode; a second call does nothing. Raises `ModelError`."""
        with self._loading:
            if self._thread is not None:
                return
            set_to = self._settings
            length = set_to.context_tokens or _own_context(set_to)
            case = set_to.case(usable_cpus())
            if self._choice is None:  # where it cannot be kept on disk, it is not measured again after each unloading
                self._choice = (choice_for(case) if set_to.calibrate else case.usual).heeding(set_to)
            choice = self._choice
            model = Model(self._path, use_mmap=set_to.use_mmap, repack=set_to.repack)
            try:
                a_token = model.bytes_a_token(set_to.key_value)
                slots = _slots(set_to, length, a_token)
                context = Context(
                    model,
                    sequences=slots,
                    length=length,
                    batch=set_to.batch_tokens,
                    micro_batch=choice.micro_batch_tokens,
                    threads=choice.threads,
                    prefill_threads=choice.prefill_threads,
                    key_value_type=set_to.key_value,
                    flash_attention=choice.flash_attention,
                )
            except BaseException:
                model.close()
                raise
            warn_beyond(length, model.library.llama_model_n_ctx_train(model.pointer))
            self._context_tokens = length
            self._counters = BatchedCounters()
            states_bytes = set_to.memory_bytes - slots * padded(length) * a_token
            self._inbox = Inbox()
            set_to = msgspec.structs.replace(set_to, chunk_tokens=choice.chunk_tokens)
            decoder = Decoder(self._inbox, model, context, set_to, self._counters, states_bytes)
            thread = threading.Thread(target=self._decode, args=(decoder, model), name="batched decode", daemon=True)
            try:
                with self._using:
                    thread.start()
                    self._model = model
            except BaseException:
                context.close()
                model.close()
                raise
            self._thread = thread

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` is to the model. Raises `EngineError`."""
        with self._using:
            if self._model is None:
                raise EngineError("The batched engine is not loaded.")
            return len(self._model.text.tokens(text))

    def generate(self, call: Call) -> Generation:
        """Do what ``call`` says."""
        future = self.submit(call)
        try:
            while True:
                try:
                    return future.result(timeout=_LOOK_S)
                except NotYet:
                    if future.done():  # just now; or what the caller's own function raised is such an error
                        return future.result()
                    self._look_after(call.check)
        finally:
            future.cancel()

    async def reply(self, call: Call) -> Generation:
        """Do what ``call`` says without holding a thread; a caller that is cancelled frees its slot within a step."""
        left = threading.Event()

        def check() -> None:
            if left.is_set():
                raise Abandoned("Nobody waits for this reply.")
            if call.check is not None:
                call.check()

        waiting: asyncio.Future[Generation] | None = None
        try:
            future = await asyncio.to_thread(self.submit, msgspec.structs.replace(call, check=check))
            waiting = asyncio.wrap_future(future)
            while not (await asyncio.wait([waiting], timeout=_LOOK_S))[0]:
                self._look_after(None)
            return await waiting
        finally:
            if waiting is not None:
                waiting.cancel()  # nobody reads it any more
            left.set()  # however the caller left, even while its request was being handed over

    def submit(self, call: Call) -> Future[Generation]:
        """Hand ``call`` over and return at once; cancelling the future frees its slot within a step.

        Raises `PromptTooLong` if the last message does not fit even without its notes, and `EngineError`.
        """
        asked = perf_counter()
        # A model that is being closed must not be asked for tokens.
        with self._using:
            model, inbox = self._model, self._inbox
            if model is None or inbox is None:
                raise EngineError("The batched engine is not loaded.")
            script = None if call.script is None else model.text.script(call.script)
            prompt, room, dropped_messages, dropped_notes = fitted(
                call, partial(model.text.prompt, strict=call.strict), self._context_tokens, len(script or ())
            )
            system_tokens = self._system_tokens(model, call.messages)
            how = chosen(call.sampling, self._settings.sampling, model.sampling)
            require_tokens(how, model.words)
            said_before = model.text.said_last(call.messages, how.looks_back)
            form = None
            if call.grammar is not None:
                form = model.grammar_sampler(call.grammar, ignore_end=how.ignore_end)
        job = Job(
            call,
            prompt=prompt,
            room=room,
            system_tokens=system_tokens,
            script=script,
            sampling=how,
            said_before=said_before,
            stop=(*how.stop, *model.text.stop),
            dropped_messages=dropped_messages,
            dropped_notes=dropped_notes,
            asked=asked,
            form=form,
        )
        try:
            inbox.add(job)
        except EngineError as error:  # it was closed just now
            job.settle(error)
        return job.future

    def forget(self, conversation: str) -> None:
        """Have the decoding thread drop what it holds of ``conversation``, before its next step."""
        inbox = self._inbox
        if inbox is not None:
            inbox.forget(conversation)

    def counters(self) -> BatchedCounters:
        """Return what was done since the engine was loaded."""
        return msgspec.structs.replace(self._counters)

    def close(self) -> None:
        """Fail what is under way, and free the model; a second call does nothing."""
        with self._loading:
            with self._using:
                self._model, self._system = None, (None, [])
            if self._inbox is not None:  # whoever still waits for a step to end goes on looking at it
                self._inbox.close()
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.join(self._settings.stuck_s)
                if thread.is_alive():
                    raise EngineError(f"llama.cpp has not finished a step for {self._settings.stuck_s:g} s.")

    def _decode(self, decoder: Decoder, model: Model) -> None:
        """Decode until closed; then free the model, however late that is."""
        try:
            decoder.run()
        finally:
            with self._using:  # nobody is counting tokens with it
                if self._model is model:
                    self._model = None
                model.close()

    def _system_tokens(self, model: Model, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a prompt that has the system message alone; none if there is no such message."""
        if not messages or messages[0].role != "system":
            return []
        known = self._system
        if messages[0].content != known[0]:
            try:
                tokens = model.text.prompt(messages[:1])
            except EngineError:  # some templates insist on a question
                tokens = []
            known = self._system = (messages[0].content, tokens)
        return known[1]

    def _look_after(self, check: Callable[[], None] | None) -> None:
        if check is not None:
            check()
        inbox = self._inbox
        thread = self._thread
        if thread is not None and not thread.is_alive():
            raise EngineError("The thread that decodes has died.")
        if inbox is not None and inbox.stuck_s() > self._settings.stuck_s:
            raise EngineError(f"llama.cpp has not finished a step for {self._settings.stuck_s:g} s.")


def _own_context(settings: BatchedSettings) -> int:
    """Return how long a conversation may be where nobody set it. Raises `ModelError`."""
    path = Path(settings.model_path)
    require_gguf(path)
    return settings.own_context(key_values(read_metadata(path)))


def _slots(settings: BatchedSettings, length: int, bytes_a_token: int) -> int:
    """Return how many slots of ``length`` tokens the memory allows. Raises `ModelError` if it is none."""
    each = padded(length) * bytes_a_token
    if not each:
        raise ModelError("This model keeps no keys and values: the engine `llama` can run it.")
    # A quarter stays for idle conversations, if that leaves a slot at all.
    slots = min(settings.slots, max(3 * settings.memory_bytes // 4 // each, min(1, settings.memory_bytes // each)))
    if slots < 1:
        needs = each / 2**20
        raise ModelError(
            f"One conversation of {length} tokens takes {needs:.0f} MiB of key/value state; "
            f"{settings.memory_bytes / 2**20:.0f} MiB are allowed."
        )
    return slots
