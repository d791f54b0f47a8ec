"""How an embedding model cuts texts: by llama.cpp, of a file's vocabulary alone or of a model that is loaded."""

from __future__ import annotations

import ctypes
import logging
from pathlib import Path
from typing import Any

from systems.errors import EngineError, ModelError
from systems.models.check import read_metadata, require_gguf


def loaded(path: Path, *, vocabulary_only: bool = False, use_mmap: bool = True) -> tuple[Any, Any]:
    """Return llama.cpp's library and its pointer to the model of ``path``, to be freed. Raises `ModelError`."""
    require_gguf(path)
    from systems.models.llama_library import llama_cpp, may_repack

    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)  # it misses what only models that write have
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    parameters.use_mmap = use_mmap
    parameters.vocab_only = vocabulary_only
    parameters.use_extra_bufts = may_repack(True)
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        read_metadata(path)  # says why, when the file is at fault
        raise ModelError(f"llama.cpp cannot load {path}.")
    return llama_cpp, model


class TextTokens:
    """The vocabulary of ``path``; with ``shared``, what `loaded` returned, that of a model that somebody else frees."""

    def __init__(self, path: Path, shared: tuple[Any, Any] | None = None) -> None:
        """Raises `ModelError`."""
        self._owned = shared is None
        self._library, self._model = shared or loaded(path, vocabulary_only=True)
        self._vocabulary = self._library.llama_model_get_vocab(self._model)
        # A vocabulary alone has no model that would know how much it reads.
        self.most_tokens = int(self.said(f"{self.said('general.architecture')}.context_length") or 0)
        self.size: int = self._library.llama_vocab_n_tokens(self._vocabulary)
        self.ends: int = self._library.llama_vocab_sep(self._vocabulary)
        self.unknown = int(self.said("tokenizer.ggml.unknown_token_id") or 0)

    def said(self, key: str) -> str:
        """Return what the file says under ``key``, "" if nothing."""
        buffer = ctypes.create_string_buffer(1 << 10)
        length = self._library.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return "" if length < 0 else buffer.value.decode("utf-8", "replace")

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of ``text``, with the model's own at both ends; what looks like one of these is text.

        Raises `EngineError`.
        """
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise EngineError("A text holds half of a character, which no model reads.") from error
        room = len(data) + 8
        while True:
            found = (self._library.llama_token * room)()
            count = self._library.llama_tokenize(self._vocabulary, data, len(data), found, room, True, False)
            if count >= 0:
                return list(found[:count])
            room = -count

    def close(self) -> None:
        """Free the model if it is this one's; a second call does nothing."""
        model, self._model = self._model, None
        if model and self._owned:
            self._library.llama_model_free(model)
