"""A llama.cpp context of several sequences, safe to call: what would abort the process raises `EngineError` instead.

Sequences have streams of their own (``kv_unified`` off): attention then costs each what it alone has said. llama.cpp
computes neighbouring sequences together, as many tokens of each as the one with fewest brings, and the rest after.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from systems.engines.batched.settings import KEY_VALUE_TYPES
from systems.engines.context_length import padded
from systems.engines.grammar_sampler import GrammarSampler
from systems.engines.llama_text import LlamaText
from systems.engines.sampling import KEYS, Chosen, of_model, sampler
from systems.errors import EngineBusy, EngineError, ModelError
from systems.models.check import read_metadata, require_gguf

_NO_ROOM = 1


class Piece(NamedTuple):
    """Tokens to be added to one sequence; ``last`` asks for the logits after the last of them."""

    sequence: int
    tokens: Sequence[int]
    last: bool


class Model:
    """A model file and its text; shared by the contexts made from it."""

    def __init__(self, path: Path, *, use_mmap: bool, repack: bool, going_on: Callable[[], bool] | None = None) -> None:
        """Load ``path``, as long as ``going_on`` says so. Raises `ModelError`."""
        require_gguf(path)
        from systems.models.llama_library import llama_cpp, may_repack

        self.library = llama_cpp
        logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)  # it tells each tensor otherwise
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_mmap = use_mmap
        parameters.use_extra_bufts = may_repack(repack)
        if going_on is not None:
            parameters.progress_callback = llama_cpp.llama_progress_callback(lambda _share, _data: going_on())
        self.pointer: Any = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.pointer:
            read_metadata(path)  # says why, when the file is at fault
            raise ModelError(f"llama.cpp cannot load {path}.")
        try:
            vocabulary = llama_cpp.llama_model_get_vocab(self.pointer)
            self.key_length, self.value_length = _head_lengths(llama_cpp, self.pointer)
            self.words: int = llama_cpp.llama_vocab_n_tokens(vocabulary)
            metadata = _metadata(llama_cpp, self.pointer)
            self.sampling = of_model(metadata)
            self.text = LlamaText(vocabulary, metadata, path)
        except BaseException:
            self.close()
            raise

    def bytes_a_token(self, key_value_type: str) -> int:
        """Return the bytes of key/value state of one token."""
        library, model = self.library, self.pointer
        lengths = self.key_length + self.value_length
        elements = library.llama_model_n_layer(model) * library.llama_model_n_head_kv(model) * lengths
        return int(elements * KEY_VALUE_TYPES[key_value_type][1])

    def sampler(self, how: Chosen, said_before: Sequence[int]) -> Any:
        """Return llama.cpp's sampler, to be freed; None if the likeliest token is all that is asked."""
        return None if how.is_plain else sampler(self.library, self.words, how, said_before)

    def grammar_sampler(self, grammar: str, *, ignore_end: bool) -> GrammarSampler:
        """Return what chooses tokens that fit ``grammar``, to be closed. Raises `BadInput` for what is none."""
        return GrammarSampler(self.library, self.text, self.words, grammar, ignore_end=ignore_end)

    def free(self, sampler: Any) -> None:
        """Free what `sampler` returned."""
        if sampler is not None:
            self.library.llama_sampler_free(sampler)

    def close(self) -> None:
        """Free the model; a second call does nothing."""
        pointer, self.pointer = self.pointer, None
        if pointer:
            self.library.llama_model_free(pointer)


class Context:
    """``sequences`` conversations of at most ``length`` tokens each. For one thread at a time."""

    def __init__(
        self,
        model: Model,
        *,
        sequences: int,
        length: int,
        batch: int,
        threads: int,
        key_value_type: str,
        flash_attention: bool,
        prefill_threads: int | None = None,
        micro_batch: int | None = None,
    ) -> None:
        """Make it. ``prefill_threads`` None are as many as ``threads``, ``micro_batch`` None is ``batch``.

        Raises `ModelError` if there is not memory enough, or the model has no such keys and values.
        """
        library = model.library
        if key_value_type != "f16" and (model.key_length % 32 or model.value_length % 32):
            raise ModelError(
                f"Keys and values of type {key_value_type} need heads of a multiple of 32; this model's have "
                f"{model.key_length}."
            )
        if key_value_type != "f16" and not flash_attention:
            raise ModelError(f"Keys and values of type {key_value_type} need flash attention.")
        self._library = library
        self._words = model.words
        # More tokens than all sequences hold are never computed at once.
        self.sequences, self.length, self.batch = sequences, length, max(min(batch, sequences * length), sequences)
        parameters = library.llama_context_default_params()
        parameters.n_ctx = sequences * padded(length)
        parameters.n_seq_max = sequences
        parameters.n_batch = self.batch
        parameters.n_ubatch = min(micro_batch or self.batch, self.batch)
        parameters.n_outputs_max = sequences
        self.threads, self.prefill_threads = threads, prefill_threads or threads
        parameters.n_threads = parameters.n_threads_batch = self._threads = threads
        parameters.type_k = parameters.type_v = KEY_VALUE_TYPES[key_value_type][0]
        parameters.flash_attn_type = (
            library.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash_attention else library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        parameters.kv_unified = False
        self._pointer: Any = library.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            raise ModelError(f"llama.cpp cannot make a context of {sequences} times {length} tokens.")
        self._memory = library.llama_get_memory(self._pointer)
        if not self._memory:
            library.llama_free(self._pointer)
            raise ModelError(
                "This model keeps nothing of what it reads, as models for embeddings do: it cannot answer."
            )
        self._batch = library.llama_batch_init(self.batch, 0, 1)
        shape = (self.batch,)
        self._token = np.ctypeslib.as_array(self._batch.token, shape)
        self._position = np.ctypeslib.as_array(self._batch.pos, shape)
        self._wanted = np.ctypeslib.as_array(self._batch.logits, shape)
        np.ctypeslib.as_array(self._batch.n_seq_id, shape)[:] = 1
        # Each token's sequence is behind a pointer of its own.
        self._sequence = [np.ctypeslib.as_array(self._batch.seq_id[place], (1,)) for place in range(self.batch)]
        self._held = [0] * sequences
        self._stop: Any = None

    def stop_unless(self, going_on: Callable[[], bool] | None) -> None:
        """Have `decode` end, with `EngineError`, once ``going_on`` says no; None: have it go on to its end.

        It is asked between the parts of a step, which takes a while: not for what is timed.
        """
        library = self._library
        # Kept for as long as llama.cpp may call it.
        stop = (
            library.ggml_abort_callback()
            if going_on is None
            else library.ggml_abort_callback(lambda _data: not going_on())
        )
        library.llama_set_abort_callback(self._pointer, stop, None)
        self._stop = stop

    def held(self, sequence: int) -> int:
        """Return how many tokens ``sequence`` holds."""
        return self._held[sequence]

    def decode(self, pieces: Sequence[Piece]) -> dict[int, int]:
        """Compute ``pieces`` and return, by sequence, the place of the logits each asked for.

        Raises `EngineBusy` if memory is short and `EngineError` for anything else; what the sequences of ``pieces``
        hold is then unknown: `clear` them.
        """
        count = 0
        places: dict[int, int] = {}
        for sequence, tokens, last in pieces:
            held, more = self._held[self._checked(sequence)], len(tokens)
            if not more or held + more > self.length or count + more > self.batch:
                raise EngineError(f"{more} tokens do not fit after {held} of {self.length} ({count} in the batch).")
            self._token[count : count + more] = tokens
            if self._token[count : count + more].min() < 0 or self._token[count : count + more].max() >= self._words:
                raise EngineError("A token is not one of the model's.")
            self._position[count : count + more] = range(held, held + more)
            self._wanted[count : count + more] = 0
            for place in range(count, count + more):
                self._sequence[place][0] = sequence
            count += more
            if last:
                self._wanted[count - 1] = 1
                places[sequence] = count - 1
        self._batch.n_tokens = count
        self._use_threads(self.threads if count == len(pieces) else self.prefill_threads)
        code = self._library.llama_decode(self._pointer, self._batch)
        if code:
            kind = EngineBusy if code == _NO_ROOM else EngineError
            raise kind(f"llama.cpp failed to decode {count} tokens: it returned {code}.")
        for sequence, tokens, _ in pieces:
            self._held[sequence] += len(tokens)
        return places

    def logits(self, place: int) -> NDArray[np.float32]:
        """Return the logits at ``place``, one a word of the vocabulary; valid until the next `decode`."""
        found = self._library.llama_get_logits_ith(self._pointer, place)
        return np.ctypeslib.as_array(found, (self._words,))

    def sample(self, sampler: Any, place: int) -> int:
        """Return the token that ``sampler`` takes at ``place``, and tell it so."""
        return int(self._library.llama_sampler_sample(sampler, self._pointer, place))

    def cut(self, sequence: int, length: int) -> int:
        """Forget what ``sequence`` holds after ``length`` tokens, and return how many it holds then.

        A model whose state cannot be cut (a recurrent one) forgets everything.
        """
        if length < self._held[self._checked(sequence)]:
            if length <= 0 or not self._library.llama_memory_seq_rm(self._memory, sequence, length, -1):
                length = 0
                self._library.llama_memory_seq_rm(self._memory, sequence, -1, -1)
            self._held[sequence] = length
        return self._held[sequence]

    def clear(self, sequence: int) -> None:
        """Forget everything ``sequence`` holds."""
        self._held[self._checked(sequence)] = 0
        self._library.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def save(self, sequence: int) -> NDArray[np.uint8]:
        """Return the state of ``sequence``. Raises `EngineError`."""
        size = self._library.llama_state_seq_get_size(self._pointer, self._checked(sequence))
        state = np.empty(size, np.uint8)
        written = self._library.llama_state_seq_get_data(self._pointer, _bytes(state), size, sequence)
        if written == 0 or written > size:
            raise EngineError(f"llama.cpp could not save the state of a sequence of {self._held[sequence]} tokens.")
        return state[:written]

    def restore(self, sequence: int, state: NDArray[np.uint8], length: int) -> None:
        """Let ``sequence`` hold the ``length`` tokens of ``state``, which `save` made of a context like this one.

        Raises `EngineError`; the sequence is then empty.
        """
        self.clear(sequence)
        if length > self.length:
            raise EngineError(f"A state of {length} tokens does not fit a sequence of {self.length}.")
        taken = self._library.llama_state_seq_set_data(self._pointer, _bytes(state), len(state), sequence)
        if taken == 0 or self._library.llama_memory_seq_pos_max(self._memory, sequence) != length - 1:
            self.clear(sequence)
            raise EngineError(f"llama.cpp could not restore a state of {length} tokens.")
        self._held[sequence] = length

    def close(self) -> None:
        """Free the context; a second call does nothing."""
        pointer, self._pointer = self._pointer, None
        if pointer:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(pointer)

    def _use_threads(self, threads: int) -> None:
        """Compute with so many threads: llama.cpp itself tells one token from many, not replies from prompts."""
        if threads != self._threads:
            self._library.llama_set_n_threads(self._pointer, threads, threads)
            self._threads = threads

    def _checked(self, sequence: int) -> int:
        if not 0 <= sequence < self.sequences or not self._pointer:
            raise EngineError(f"There is no sequence {sequence}.")
        return sequence


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _head_lengths(library: Any, model: Any) -> tuple[int, int]:
    """Return how many elements a head's keys and its values have: as the file says, or its share of the width."""
    heads = library.llama_model_n_head(model)
    usual = library.llama_model_n_embd(model) // heads if heads else 0
    kind = _said(library, model, "general.architecture")
    keys, values = (_said(library, model, f"{kind}.attention.{name}_length") for name in ("key", "value"))
    return int(keys or usual), int(values or usual)


def _metadata(library: Any, model: Any) -> dict[str, str]:
    """Return what is read of the model file's metadata: its template, and how it is meant to be sampled."""
    found = {key: _said(library, model, key) for key in ("tokenizer.chat_template", *KEYS)}
    return {key: value for key, value in found.items() if value is not None}


def _said(library: Any, model: Any, key: str) -> str | None:
    """Return what the model file says under ``key``, None if nothing."""
    size = 1 << 12
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = library.llama_model_meta_val_str(model, key.encode(), buffer, size)
        if length < size:
            return None if length < 0 else buffer.raw[:length].decode("utf-8", "replace")
        size = length + 1
