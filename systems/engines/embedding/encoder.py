"""An encoder of BERT's kind in llama.cpp: several texts in one batch, safe to call, for one thread at a time.

llama.cpp keeps room for a number a word of the vocabulary for every token of the largest batch it has read, which an
encoder never fills: with 250,000 words a megabyte a token. So batches are small, and the room is given back after a
text that alone is larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from systems.engines.embedding.vocabulary import TextTokens, loaded
from systems.errors import EngineBusy, EngineError, ModelError


class Encoder:
    """A model file and a context for it, of at most ``batch`` tokens and ``texts`` texts at once; or one long text."""

    def __init__(self, path: Path, *, batch: int, texts: int, threads: int, use_mmap: bool) -> None:
        """Load ``path``. Raises `ModelError`."""
        self._context: Any = None
        self._batch: Any = None
        self._library, self._model = loaded(path, use_mmap=use_mmap)
        try:
            self.vocabulary = TextTokens(path, (self._library, self._model))
            self._prepare(path, batch, texts, threads)
            self._make_context()
            self._check()
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path, batch: int, texts: int, threads: int) -> None:
        library = self._library
        self.dimensions: int = library.llama_model_n_embd(self._model)
        self.weights_bytes: int = library.llama_model_size(self._model)
        self.most_tokens = self.vocabulary.most_tokens
        self.batch, self.texts = batch, texts
        self._path, self._threads = path, threads
        # A text is read whole or not at all: its tokens look both ways.
        self._room = max(batch, self.most_tokens)
        self._batch = library.llama_batch_init(self._room, 0, 1)
        shape = (self._room,)
        self._token = np.ctypeslib.as_array(self._batch.token, shape)
        self._position = np.ctypeslib.as_array(self._batch.pos, shape)
        np.ctypeslib.as_array(self._batch.n_seq_id, shape)[:] = 1
        np.ctypeslib.as_array(self._batch.logits, shape)[:] = 1  # every token's vector goes into the mean
        # Each token's text is behind a pointer of its own.
        self._text = [np.ctypeslib.as_array(self._batch.seq_id[place], (1,)) for place in range(self._room)]

    def _make_context(self) -> None:
        library = self._library
        parameters = library.llama_context_default_params()
        parameters.n_ctx = self.most_tokens
        parameters.n_batch = parameters.n_ubatch = self._room
        parameters.n_seq_max = self.texts
        parameters.n_threads = parameters.n_threads_batch = self._threads
        parameters.embeddings = True
        parameters.kv_unified = True  # or the context would be shared out among the texts
        self._context = library.llama_init_from_model(self._model, parameters) or None
        if self._context is None:
            raise ModelError(f"llama.cpp cannot make a context of {self._room} tokens for {self._path}.")

    def _free_context(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            self._library.llama_free(context)

    def _check(self) -> None:
        library, context = self._library, self._context
        pools = (library.LLAMA_POOLING_TYPE_MEAN, library.LLAMA_POOLING_TYPE_CLS)
        if library.llama_get_memory(context) or library.llama_pooling_type(context) not in pools:
            raise ModelError(f"{self._path} is no embedding model: it does not make one vector of a text.")

    def shortened(self, tokens: Sequence[int]) -> list[int]:
        """Return ``tokens`` cut to what the model reads, with what ends a text at the end."""
        return [*tokens[: self.most_tokens - 1], self.vocabulary.ends]

    def vectors(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Return a row of length 1 for each of ``texts``, which fit the batch together, or are one.

        Raises `EngineError`.
        """
        count = 0
        for number, tokens in enumerate(texts):
            end = count + len(tokens)
            self._token[count:end] = tokens
            self._position[count:end] = range(len(tokens))
            for place in range(count, end):
                self._text[place][0] = number
            count = end
        self._batch.n_tokens = count
        if self._context is None:
            try:
                self._make_context()
            except ModelError as error:  # memory may be short for a moment only
                raise EngineBusy(str(error)) from error
        if code := self._library.llama_encode(self._context, self._batch):
            raise EngineError(f"llama.cpp failed to read {count} tokens: it returned {code}.")
        rows = np.empty((len(texts), self.dimensions), np.float32)
        for number in range(len(texts)):
            found = self._library.llama_get_embeddings_seq(self._context, number)
            rows[number] = np.ctypeslib.as_array(found, (self.dimensions,))
        if count > self.batch:
            self._free_context()
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EngineError("llama.cpp made no finite numbers of a text.")
        return np.asarray(rows / lengths, np.float32)

    def close(self) -> None:
        """Free the context and the model; a second call does nothing."""
        batch, self._batch = self._batch, None
        model, self._model = self._model, None
        if batch is not None:
            self._library.llama_batch_free(batch)
        self._free_context()
        if model:
            self._library.llama_model_free(model)
