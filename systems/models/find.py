"""Find a model by what a person calls it: a shape, the reader, or the path of any GGUF file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from systems.errors import BadInput, UnknownName
from systems.models import cache
from systems.models.check import ModelFile, check, require_gguf
from systems.models.shapes import RECIPE, SHAPES, Quant, get_quant, get_shape

READER = Path(__file__).with_name("reader.gguf")
"""The small model that this project trained: it reads facts in its prompt and answers (docs/reader.md)."""

Progress = Callable[[int, int], None]

_MODELS = "models"


def default_path(shape: str, quant: str, seed: int) -> Path:
    """Return where the cache keeps this model, made or not. Raises `UnknownName` or `CannotWrite`."""
    name = f"{get_shape(shape).name}-{get_quant(quant)}-seed{seed}-recipe{RECIPE}.gguf"
    return cache.cache_folder() / _MODELS / name


def place(shape: str, quant: str, seed: int) -> Path:
    """Return where the cache is to keep this model, in a folder that can be written. Raises as `default_path`."""
    path = default_path(shape, quant, seed)
    cache.made(_MODELS)
    return path


def default_quant(shape: str) -> Quant:
    """Return the quantisation ``shape`` is made in when none is named. Raises `UnknownName`."""
    return get_shape(shape).default_quant


def ensure(shape: str, quant: str, seed: int, progress: Progress | None = None) -> Path:
    """Return the cached model, making it first when it is absent. Raises `ModelError` or `CannotWrite`."""
    path = default_path(shape, quant, seed)
    if not path.exists():
        from systems.models.make import make

        make(shape, quant, seed, place(shape, quant, seed), progress)
    return path


def resolve(model: str, progress: Progress | None = None) -> ModelFile:
    """Return the checked file of ``model``: ``shape``, ``shape:quant``, ``shape:quant:seed``, ``reader`` or a path.

    A shape is made when the cache does not hold it. Raises `UnknownName`, `BadInput`, `ModelError` or `CannotWrite`.
    """
    found = _parsed(model)
    return check(found if isinstance(found, Path) else ensure(*found, progress))


def look(model: str) -> None:
    """Raise what `resolve` would raise, as far as a glance tells: nothing is made, and a file is not read whole."""
    found = _parsed(model)
    if isinstance(found, Path):
        require_gguf(found)


def _parsed(model: str) -> Path | tuple[str, Quant, int]:
    """Return the file, or shape, quantisation and seed, that ``model`` names."""
    if model == "reader":
        return READER
    shape, *rest = model.split(":")
    if shape in SHAPES:
        if len(rest) > 2 or not all(rest):
            raise BadInput(f"{model!r} is not of the form shape:quantisation:seed, such as 135m:q8_0:0.")
        quant = get_quant(rest[0]) if rest else default_quant(shape)
        return shape, quant, _seed(model, rest[1]) if len(rest) > 1 else 0
    try:
        path = Path(model).expanduser()
    except RuntimeError:  # "~name/" of nobody, or "~/" where there is no home
        raise BadInput(
            f"{model!r} begins with the home folder of somebody who has none: write the whole path."
        ) from None
    if not path.exists() and path.suffix != ".gguf" and len(path.parts) <= 1:
        raise UnknownName("model shape or model file", model, [*SHAPES, "reader"])
    return path


def _seed(model: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise BadInput(f"The seed in {model!r} is not a whole number of 0 or more.")
    return int(text)
