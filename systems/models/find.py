"""Find a model by what a person calls it: a published model, a shape, the reader, or the path of any GGUF file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from systems.errors import BadInput, UnknownName
from systems.models import cache, fetching, requantise
from systems.models.check import ModelFile, check, require_gguf
from systems.models.published import PUBLISHED, Published
from systems.models.requantise import PublishedQuant, get_published_quant
from systems.models.shapes import RECIPE, SHAPES, Quant, get_quant, get_shape

READER = Path(__file__).with_name("reader.gguf")
"""The small model that this project trained: it reads facts in its prompt and answers (docs/reader.md)."""

USUAL = "smollm2"
"""The model that is meant where nobody names one, and words matter."""
TIMED = f"{USUAL}:q4_0"
"""The same for what is timed: as fast as the random shape of its size, and no word is its own (docs/models.md)."""
STAND_IN = "135m"
"""What takes its place where it is not here and cannot be fetched: the same shape, with random weights."""

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
    """Return the checked file of ``model``: a published one, a shape, ``reader``, or a path.

    A published model is ``smollm2`` or ``smollm2:quant``, a shape ``shape``, ``shape:quant`` or ``shape:quant:seed``.
    What the cache does not hold is fetched or made. Raises `UnknownName`, `BadInput`, `CannotFetch`, `ModelError` or
    `CannotWrite`.
    """
    match _parsed(model):
        case Path() as path:
            found = check(path)
            if not found.causal:
                raise _answers_nothing(str(path))
            return found
        case (Published() as published, quant):
            return check(requantise.ensure(published, quant, progress))
        case (shape, quant, seed):
            return check(ensure(shape, quant, seed, progress))


def look(model: str) -> None:
    """Raise what `resolve` would raise, as far as a glance tells: nothing is made, and a file is not read whole."""
    found = _parsed(model)
    if isinstance(found, Path):
        require_gguf(found)


def _parsed(model: str) -> Path | tuple[Published, PublishedQuant] | tuple[str, Quant, int]:
    """Return the file, or published model and quantisation, or shape, quantisation and seed, that ``model`` names."""
    if model == "reader":
        return READER
    name, *rest = model.split(":")
    if name in PUBLISHED:
        return _parsed_published(model, PUBLISHED[name], rest)
    if name in SHAPES:
        if len(rest) > 2 or not all(rest):
            raise BadInput(f"{model!r} is not of the form shape:quantisation:seed, such as 135m:q8_0:0.")
        quant = get_quant(rest[0]) if rest else default_quant(name)
        return name, quant, _seed(model, rest[1]) if len(rest) > 1 else 0
    try:
        path = Path(model).expanduser()
    except RuntimeError:  # "~name/" of nobody, or "~/" where there is no home
        raise BadInput(
            f"{model!r} begins with the home folder of somebody who has none: write the whole path."
        ) from None
    if not path.exists() and path.suffix != ".gguf" and len(path.parts) <= 1:
        raise UnknownName("model, model shape or model file", model, names())
    return path


def names() -> list[str]:
    """Return every name of a model that answers: published ones, shapes, and the reader."""
    return [*chat_models(), *SHAPES, "reader"]


def to_fetch(model: str) -> Published | None:
    """Return the published model that `resolve` would have to fetch; None if it need fetch none. Raises as `look`."""
    match _parsed(model):
        case (Published() as published, quant) if not requantise.place(published, quant).exists():
            return None if fetching.is_here(published) else published
    return None


def is_named(model: str) -> bool:
    """Tell whether ``model`` names what any machine can fetch or make, and not a file of this one."""
    return model.partition(":")[0] in (*chat_models(), *SHAPES)


def chat_models() -> list[str]:
    """Return the names of the published models that answer."""
    return [model.name for model in PUBLISHED.values() if model.use == "chat"]


def _parsed_published(model: str, published: Published, rest: list[str]) -> tuple[Published, PublishedQuant]:
    if published.use != "chat":
        raise _answers_nothing(published.name)
    if len(rest) > 1 or not all(rest):
        raise BadInput(f"{model!r} is not of the form name:quantisation, such as {published.name}:q4_0.")
    return published, get_published_quant(rest[0]) if rest else requantise.USUAL


def _answers_nothing(name: str) -> BadInput:
    return BadInput(f"{name} makes embeddings and answers nothing: name a model that does.")


def _seed(model: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise BadInput(f"The seed in {model!r} is not a whole number of 0 or more.")
    return int(text)
