"""Check that a file is a model llama.cpp can load, and say what it is."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from systems.errors import CannotWrite, ModelError
from systems.models.cache import cache_folder
from systems.models.key_values import KeyValues, key_values

_MAGIC = b"GGUF"
_SCHEMA = 2
_GGML_LOG_LEVEL_ERROR = 4  # from ggml.h; the Python binding does not export it
_log_lock = threading.Lock()


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """A checked model file. One that is not ``causal`` makes vectors of texts, and cannot answer."""

    path: Path
    name: str
    size_bytes: int
    sha256: str
    random_weights: bool
    key_values: KeyValues
    causal: bool = True

    @property
    def context_length(self) -> int:
        """The context in tokens that it was trained on; 0 if the file does not say."""
        return self.key_values.trained


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about a file, kept so that it is read only once."""

    schema_version: int = _SCHEMA
    path: str
    size_bytes: int
    mtime_ns: int
    name: str
    sha256: str
    random_weights: bool
    key_values: KeyValues
    causal: bool


def require_gguf(path: Path) -> os.stat_result:
    """Check in a few bytes that ``path`` is a GGUF file. Raises `ModelError`."""
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a directory, not a model file.")
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        raise ModelError(f"There is no model file {path}.") from None
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror or error}.") from error
    if magic != _MAGIC:
        raise ModelError(f"{path} is not a GGUF model file.")
    return found


def check(path: Path) -> ModelFile:
    """Check the whole file once and remember the answer until the file changes. Raises `ModelError`."""
    path = path.absolute()
    found = require_gguf(path)
    note = _note(path, found)
    remembered = None if note is None else _recall(note, path, found)
    if remembered is None:
        metadata = read_metadata(path)
        remembered = _Remembered(
            path=str(path),
            size_bytes=found.st_size,
            mtime_ns=found.st_mtime_ns,
            name=metadata.get("general.name", path.stem),
            sha256=_digest(path),
            random_weights=metadata.get("fourgig.random_weights") == "true",
            key_values=key_values(metadata),
            causal=metadata.get(f"{metadata.get('general.architecture')}.attention.causal") != "false",
        )
        if note is not None:
            _remember(note, remembered)
    return ModelFile(
        path=path,
        name=remembered.name,
        size_bytes=remembered.size_bytes,
        sha256=remembered.sha256,
        random_weights=remembered.random_weights,
        key_values=remembered.key_values,
        causal=remembered.causal,
    )


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what llama.cpp complains of instead of printing it, and print nothing else of what it says meanwhile."""
    from systems.models.llama_library import llama_cpp  # noqa: I001 - before anything of llama.cpp's
    from llama_cpp._logger import llama_log_callback

    complaints: list[str] = []

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def listen(level: int, text: bytes, _user_data: Any) -> None:
        if level == _GGML_LOG_LEVEL_ERROR:
            complaints.append(text.decode("utf-8", errors="replace").strip())

    with _log_lock:
        llama_cpp.llama_log_set(listen, ctypes.c_void_p(0))
        try:
            yield complaints
        finally:
            llama_cpp.llama_log_set(llama_log_callback, ctypes.c_void_p(0))


def read_metadata(path: Path) -> dict[str, str]:
    """Let llama.cpp read the header, the vocabulary and the bounds of every tensor. Raises `ModelError`."""
    from systems.models.llama_library import llama_cpp

    with listening() as complaints:
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
        if model is None:
            reason = complaints[0].rsplit(": ", 1)[-1] if complaints else "it gives no reason"
            raise ModelError(f"llama.cpp cannot load {path}, which may be truncated or damaged: {reason}.")
        try:
            return _all_metadata(model)
        finally:
            llama_cpp.llama_model_free(model)


def _all_metadata(model: Any) -> dict[str, str]:
    from systems.models.llama_library import llama_cpp

    def read(function: Any, index: int) -> str:
        size = function(model, index, None, 0) + 1
        buffer = ctypes.create_string_buffer(size)
        function(model, index, buffer, size)
        return buffer.value.decode("utf-8", errors="replace")

    return {
        read(llama_cpp.llama_model_meta_key_by_index, index): read(llama_cpp.llama_model_meta_val_str_by_index, index)
        for index in range(llama_cpp.llama_model_meta_count(model))
    }


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror or error}.") from error


def _note(path: Path, found: os.stat_result) -> Path | None:
    """Return where what is found about the file is noted; None where nothing can be kept."""
    key = hashlib.sha256(f"{path}\0{found.st_size}\0{found.st_mtime_ns}".encode(errors="surrogateescape"))
    try:
        return cache_folder() / "checked" / f"{key.hexdigest()[:32]}.json"
    except CannotWrite:
        return None


def _recall(note: Path, path: Path, found: os.stat_result) -> _Remembered | None:
    try:
        remembered = msgspec.json.decode(note.read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    same = (str(path), found.st_size, found.st_mtime_ns, _SCHEMA)
    was = (remembered.path, remembered.size_bytes, remembered.mtime_ns, remembered.schema_version)
    return remembered if was == same else None


def _remember(note: Path, found: _Remembered) -> None:
    """Keep the note if it can be kept: without it the next check only takes longer."""
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=note.parent) as folder:
            whole = Path(folder) / note.name
            whole.write_bytes(msgspec.json.encode(found))
            whole.replace(note)
