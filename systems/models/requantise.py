"""Write a published chat model in another quantisation, with llama.cpp's own function, once on this machine.

llama.cpp computes some quantisations much faster than others on the same processor, and a package carries only one.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from systems.errors import CannotWrite, ModelError, UnknownName
from systems.models import cache, check
from systems.models.fetching import Progress, fetched
from systems.models.published import Published

PublishedQuant = Literal["q4_0", "q4_1", "q4_k", "q5_0", "q8_0"]

QUANTS: tuple[PublishedQuant, ...] = get_args(PublishedQuant)
USUAL: PublishedQuant = "q8_0"
RECIPE = 2
"""Raise this when the bytes of such files change, so that a cache never mistakes an old one for a new one."""

_FOLDER = "models"
# The numbers that llama.h gives to file types.
_FILE_TYPES: dict[PublishedQuant, int] = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q4_k": 14}


def get_published_quant(name: str) -> PublishedQuant:
    """Return ``name`` as a quantisation that published models are written in. Raises `UnknownName`."""
    for quant in QUANTS:
        if quant == name:
            return quant
    raise UnknownName("quantisation of a published model", name, QUANTS)


def place(model: Published, quant: PublishedQuant) -> Path:
    """Return where the cache keeps ``model`` in this quantisation, made or not. Raises `CannotWrite`."""
    name = f"{model.name}-{quant}-{model.model.sha256[:12]}-recipe{RECIPE}.gguf"
    return cache.cache_folder() / _FOLDER / name


def ensure(model: Published, quant: PublishedQuant, progress: Progress | None = None) -> Path:
    """Return the cached file, fetching and making it first when it is absent.

    Raises `CannotFetch`, `ModelError` or `CannotWrite`.
    """
    path = place(model, quant)
    if not path.exists():
        source = fetched(model.name, progress)
        folder = cache.made(_FOLDER)
        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=f".{path.name}.") as partial:
                made = Path(partial) / path.name
                _quantise(source, made, model, quant)
                check.read_metadata(made)
                made.replace(path)
        except OSError as error:
            raise CannotWrite(f"{path} could not be written: {error.strerror or error}.") from error
    return path


def _quantise(source: Path, out: Path, model: Published, quant: PublishedQuant) -> None:
    from systems.models.llama_library import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _FILE_TYPES[quant]
    parameters.allow_requantize = True
    parameters.nthread = len(os.sched_getaffinity(0))
    described = _described(model, quant)
    overrides = (llama_cpp.llama_model_kv_override * (len(described) + 1))()  # the last, which is empty, ends the list
    for override, (key, value) in zip(overrides, described.items(), strict=False):
        override.key = key.encode()
        if isinstance(value, float):
            override.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_FLOAT
            override.value.val_f64 = value
        elif isinstance(value, int):
            override.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_INT
            override.value.val_i64 = value
        else:
            override.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_STR
            override.value.val_str = value.encode()
    parameters.kv_overrides = overrides
    with check.listening() as complaints:
        status = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(out), ctypes.byref(parameters))
    if status != 0:
        reason = complaints[-1] if complaints else "it gives no reason"
        raise ModelError(f"llama.cpp could not write {model.title} in {quant}: {reason}.")


def _described(model: Published, quant: PublishedQuant) -> dict[str, str | int | float]:
    """Return what the file says of itself: its name, where it comes from, and how it is sampled."""
    sampling: dict[str, Any] = msgspec.structs.asdict(model.sampling)
    return {
        "general.name": f"{model.title} ({quant})",
        "general.description": f"{model.title} out of the package {model.package} {model.version}, in {quant}",
        "general.license": model.licence.lower(),
        "general.source.url": model.card,
        "fourgig.source.package": f"{model.package}=={model.version}",
        "fourgig.source.member": model.model.path,
        "fourgig.source.sha256": model.model.sha256,
        "fourgig.quant": quant,
        **{f"general.sampling.{name}": value for name, value in sampling.items() if value is not None},
    }
