"""llama.cpp in process, one request at a time: the usual way to use a local model from Python.

Built on the high-level `Llama` of llama-cpp-python, which holds one sequence and must not be entered by two threads
at once. One lock therefore serves callers in turn, and whoever comes next reuses the key/value state of the prompt
before as far as the two begin alike.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from systems.engines.calibration.case import CalibrationCase, EngineChoice
from systems.engines.calibration.machine import usable_cpus
from systems.engines.context_length import longest
from systems.engines.fitting import fitted
from systems.engines.grammar_sampler import GrammarSampler
from systems.engines.interface import Call, Engine, Generation, SaidToken, Sampling
from systems.engines.likelihood import told, within
from systems.engines.llama_text import LlamaText
from systems.engines.sampling import chosen, of_model, require_tokens, said, sampler
from systems.engines.spoken import Spoken
from systems.errors import EngineBusy, EngineError, ModelError
from systems.logs import event
from systems.models.check import read_metadata, require_gguf
from systems.models.key_values import KeyValues, key_values

log = logging.getLogger(__name__)

_loading = threading.Lock()  # held while the library is told how


class LlamaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How llama.cpp is used. ``threads`` compute a reply, ``prefill_threads`` read its prompt.

    With ``calibrate`` what is None of those two and of ``flash_attention`` is as was found best on this machine
    (`systems.engines.calibration`), without it as `CalibrationCase.usual` says: as many threads as CPUs may be used.
    ``context_tokens`` is the longest prompt with its reply; None means the model's own context, or as much of it as
    ``memory_bytes`` hold.
    ``repack``, llama.cpp's default, copies weights of four bits into an order that is faster to compute with: the
    model then takes its memory twice, and unlike a mapped file the copy cannot be dropped.
    ``sampling`` is of calls that bring none; what it does not say is as the model's file says.
    """

    model_path: str
    context_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    memory_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1 << 30
    threads: Annotated[int, msgspec.Meta(ge=1)] | None = None
    prefill_threads: Annotated[int, msgspec.Meta(ge=1)] | None = None
    flash_attention: bool | None = None
    calibrate: bool = True
    batch_tokens: Annotated[int, msgspec.Meta(ge=1)] = 512
    use_mmap: bool = True
    repack: bool = True
    sampling: Sampling = Sampling()

    def case(self, cpus: int) -> CalibrationCase:
        """Return what is calibrated for these settings, where nobody says more than that ``cpus`` may be used."""
        return CalibrationCase(
            model_path=self.model_path,
            conversations=1,
            threads=self.threads or cpus,
            threads_are_set=self.threads is not None,
            flash_attention=self.flash_attention,
            batch_tokens=self.batch_tokens,
            memory_bytes=self.memory_bytes,
            use_mmap=self.use_mmap,
            repack=self.repack,
        )

    def own_context(self, model: KeyValues) -> int:
        """Return how long a prompt and its reply may be for ``model`` where ``context_tokens`` does not say."""
        return longest(model, self.memory_bytes, batch_tokens=self.batch_tokens)

    def holds(self, model: KeyValues, tokens: int) -> bool:  # noqa: ARG002
        """Return true: ``memory_bytes`` bounds no context, it only says how long one is that is not set."""
        return True


def warn_beyond(context_tokens: int, trained: int) -> None:
    """Log a warning if a context is longer than what its model was ``trained`` on: its words may mean nothing there."""
    if 0 < trained < context_tokens:
        event(log, logging.WARNING, "the context is longer than the model's own", tokens=context_tokens, own=trained)


class LlamaEngine(Engine):
    """Serves one caller at a time; ``on_token`` runs under the engine's lock and must not call the engine."""

    name: ClassVar[str] = "llama"
    summary: ClassVar[str] = "llama.cpp in process, one sequence at a time, reusing the common beginning of prompts"
    Settings: ClassVar[type[msgspec.Struct]] = LlamaSettings

    def __init__(self, settings: LlamaSettings) -> None:
        self._settings = settings
        self._choice: EngineChoice | None = None
        self._path = Path(settings.model_path)
        self._lock = threading.Lock()
        self._counting = threading.Lock()  # a text can be counted while a reply is generated, but not while it closes
        self._llama: Any = None
        self._library: Any = None
        self._text: LlamaText | None = None
        self._own_sampling = Sampling()
        self._conversation: str | None = None  # whose state the context holds

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._settings,)

    @property
    def parallelism(self) -> int:
        """One: further callers wait for the lock."""
        return 1

    @property
    def context_tokens(self) -> int | None:
        """What is set; the model's own once it is loaded."""
        llama = self._llama
        return self._settings.context_tokens if llama is None else len(llama.input_ids)

    @property
    def threads(self) -> int | None:
        """What is set."""
        return self._settings.threads

    @property
    def identity(self) -> str:
        """The model by its file's name and size, and the sampling settings a reply depends on.

        How the model is sampled where no setting says is the file's to say, and in its name and size.
        """
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        sampling = msgspec.json.encode(said(self._settings.sampling)).decode()
        return f"llama:{self._path.name}:{size}:{sampling}"

    @property
    def samples_as_asked(self) -> bool:
        """True."""
        return True

    @property
    def heeds_grammars(self) -> bool:
        """True."""
        return True

    def load(self) -> None:
        """Load the model and make its context; a second call does nothing. Raises `ModelError`."""
        with self._lock:
            if self._llama is not None:
                return
            require_gguf(self._path)
            from systems.models.llama_library import llama_cpp

            if self._choice is None:  # where it cannot be kept on disk, it is not measured again after each unloading
                self._choice = _choice(self._settings)
            choice = self._choice
            context_tokens = self._settings.context_tokens
            if context_tokens is None:
                context_tokens = self._settings.own_context(key_values(read_metadata(self._path)))
            try:
                with _repacking(self._settings.repack):
                    llama = llama_cpp.Llama(
                        str(self._path),
                        n_ctx=context_tokens,
                        n_batch=self._settings.batch_tokens,
                        n_ubatch=self._settings.batch_tokens,
                        n_threads=choice.threads,
                        n_threads_batch=choice.prefill_threads,
                        flash_attn=choice.flash_attention,
                        use_mmap=self._settings.use_mmap,
                        logits_all=False,
                        verbose=False,
                    )
            except (ValueError, RuntimeError, MemoryError) as error:
                read_metadata(self._path)  # says why, when the file is at fault
                raise ModelError(
                    f"llama.cpp cannot load {self._path} with a context of {context_tokens} tokens: {error}."
                ) from error
            if not llama_cpp.llama_get_memory(llama.ctx):
                llama.close()
                raise ModelError(
                    "This model keeps nothing of what it reads, as models for embeddings do: it cannot answer."
                )
            try:
                self._text = LlamaText(llama._model.vocab, llama.metadata, self._path)
            except ModelError:
                llama.close()
                raise
            warn_beyond(context_tokens, llama_cpp.llama_model_n_ctx_train(llama._model.model))
            self._own_sampling = of_model(llama.metadata)
            self._library = llama_cpp
            self._llama = llama

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` is to the model. Raises `EngineError`."""
        with self._counting:
            if self._text is None:
                raise EngineError("The llama engine is not loaded.")
            return len(self._text.tokens(text))

    def generate(self, call: Call) -> Generation:
        """Do what ``call`` says. The oldest messages that do not fit are left out, then notes. Raises `PromptTooLong`.

        The text ends with the last whole character: what a token limit cuts in two is dropped.
        """
        asked = perf_counter()
        check, on_token = call.check, call.on_token
        with self._lock:
            if check is not None:
                check()  # the wait for the lock may have outlasted the caller
            text = self._text
            if text is None:
                raise EngineError("The llama engine is not loaded.")
            script = None if call.script is None else text.script(call.script)
            context_tokens = len(self._llama.input_ids)
            prompt, room, dropped_messages, dropped_notes = fitted(
                call, partial(text.prompt, strict=call.strict), context_tokens, len(script or ())
            )
            steps = room if script is None else min(room, len(script))

            how = chosen(call.sampling, self._settings.sampling, self._own_sampling)
            words = self._llama.n_vocab()
            require_tokens(how, words)
            form = None
            if call.grammar is not None:
                form = GrammarSampler(self._library, text, words, call.grammar, ignore_end=how.ignore_end)
            spoken = Spoken((*how.stop, *text.stop))
            choosing = sampler(self._library, words, how, text.said_last(call.messages, how.looks_back))
            tokens: list[SaidToken] = []
            first_token_s: float | None = None
            generated, ended = 0, script is not None and len(script) <= room

            def show(said: str) -> None:
                if said and on_token is not None:
                    on_token(said)

            self._conversation = call.conversation
            try:
                reused = self._reuse(prompt)
                self._evaluate(prompt[reused:])
                while generated < steps and not spoken.stopped:
                    token = self._sample(choosing) if form is None else form.choose(self._logits(words), choosing)
                    if first_token_s is None:
                        first_token_s = perf_counter() - asked
                    if script is not None:
                        token, piece = script[generated]
                    elif token is None:
                        break
                    elif text.ends(token) and (form is not None or not how.ignore_end):
                        ended = True
                        break
                    else:
                        piece = text.piece(token)
                    if call.likeliest is not None:
                        tokens.append(told(self._logits(words), token, piece, call.likeliest, text.piece))
                    generated += 1
                    show(spoken.add(piece))
                    if generated < steps and not spoken.stopped:
                        if check is not None:
                            check()
                        self._evaluate([token])
                if not spoken.stopped:
                    show(spoken.rest())
                # What a bound ends may have its form, and no more to say.
                complete = ended or spoken.stopped or (form is not None and form.must_end())
            finally:
                self._library.llama_sampler_free(choosing)
                if form is not None:
                    form.close()
            reply = "".join(spoken.parts)
            return Generation(
                text=reply,
                prompt_tokens=len(prompt),
                generated_tokens=generated,
                first_token_s=perf_counter() - asked if first_token_s is None else first_token_s,
                finish_reason="stop" if complete else "length",
                reused_tokens=reused,
                dropped_messages=dropped_messages,
                dropped_notes=dropped_notes,
                seed=how.seed,
                tokens=within(tokens, len(reply)),
            )

    def forget(self, conversation: str) -> None:
        """Empty the context, if what it holds is of ``conversation``."""
        if self._conversation != conversation:
            return  # nor is it that of a call under way, for which others need not wait
        with self._lock:
            if self._conversation == conversation and self._llama is not None:
                self._forget()

    def close(self) -> None:
        """Free the model and its context; a second call does nothing."""
        with self._lock:
            with self._counting:
                llama, self._llama, self._text = self._llama, None, None
            if llama is not None:
                llama.close()

    def _reuse(self, prompt: list[int]) -> int:
        """Cut the context back to what it shares with ``prompt`` and return how many tokens that is.

        At least one token is left to evaluate, since sampling needs fresh logits.
        """
        llama = self._llama
        held = llama.input_ids[: llama.n_tokens].tolist()
        shared = 0
        for ours, theirs in zip(held, prompt[:-1], strict=False):
            if ours != theirs:
                break
            shared += 1
        # A recurrent model cannot forget a part of its state; it starts again.
        if shared < llama.n_tokens and (shared == 0 or not llama._ctx.kv_cache_seq_rm(-1, shared, -1)):
            self._forget()
            return 0
        llama.n_tokens = shared
        return shared

    def _evaluate(self, tokens: list[int]) -> None:
        try:
            self._llama.eval(tokens)
        except Exception as error:
            # The context is empty again, so the next attempt begins clean: memory may be short for a moment only.
            self._forget()
            raise EngineBusy(f"llama.cpp failed to evaluate {len(tokens)} tokens: {error}.") from error
        except BaseException:
            self._forget()  # interrupted half-way: what the context holds is no longer known
            raise

    def _forget(self) -> None:
        self._llama.reset()
        self._llama._ctx.kv_cache_clear()

    def _logits(self, words: int) -> NDArray[np.float32]:
        """Return what was computed of the next token, valid until the next is; one a word of the vocabulary."""
        return np.ctypeslib.as_array(self._library.llama_get_logits_ith(self._llama._ctx.ctx, -1), (words,))

    def _sample(self, choosing: Any) -> int:
        return int(self._library.llama_sampler_sample(choosing, self._llama._ctx.ctx, -1))


def _choice(settings: LlamaSettings) -> EngineChoice:
    case = settings.case(usable_cpus())
    if not settings.calibrate:
        return case.usual.heeding(settings)
    from systems.engines.calibration.keeping import choice_for  # which no trial needs

    return choice_for(case).heeding(settings)


@contextmanager
def _repacking(wanted: bool) -> Iterator[None]:
    """Have `Llama` load weights repacked or as they are: llama.cpp has a parameter for that, the class no argument."""
    from systems.models.llama_library import llama_cpp, may_repack

    library, repacked = llama_cpp.llama_cpp, may_repack(wanted)

    with _loading:
        default = library.llama_model_default_params

        def chosen() -> Any:
            parameters = default()
            parameters.use_extra_bufts = repacked
            return parameters

        library.llama_model_default_params = chosen
        try:
            yield
        finally:
            library.llama_model_default_params = default
