"""Find an embedding model by what a person calls it: a published one, or the path of a GGUF file.

A published one is converted once on this machine, for each package holds it in a format of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from systems.errors import UnknownName
from systems.models import cache
from systems.models.check import ModelFile, check
from systems.models.fetching import Progress, fetched, place
from systems.models.published import PUBLISHED, Published

RECIPE = 2
"""Raise this when the bytes of such files change, so that a cache never mistakes an old one for a new one."""

_FOLDER = "models"


def names() -> list[str]:
    """Return the names of the published embedding models."""
    return [model.name for model in PUBLISHED.values() if model.use == "embeddings"]


def resolve(model: str, progress: Progress | None = None) -> ModelFile:
    """Return the checked file of ``model``: one of `names`, or a path. What the cache lacks is fetched and converted.

    Raises `UnknownName`, `CannotFetch`, `ModelError` or `CannotWrite`.
    """
    if model in names():
        return check(_ensure(PUBLISHED[model], progress))
    path = Path(model)
    if not path.exists() and path.suffix != ".gguf" and len(path.parts) <= 1:
        raise UnknownName("embedding model or model file", model, names())
    return check(path)


def converted(model: Published) -> Path:
    """Return where the cache keeps the converted file of ``model``, made or not. Raises `CannotWrite`."""
    return cache.cache_folder() / _FOLDER / f"{model.name}-{model.model.sha256[:12]}-recipe{RECIPE}.gguf"


def _ensure(model: Published, progress: Progress | None) -> Path:
    """Return the converted file of ``model`` in the cache, made if it is not there."""
    out = converted(model)
    if not out.exists():
        fetched(model.name, progress)
        cache.made(_FOLDER)
        sources = [place(model, member) for member in model.members]
        _CONVERTERS[model.name](sources, out, _origin(model))
    return out


def _origin(model: Published) -> dict[str, str]:
    return {
        "general.source.url": model.card,
        "fourgig.source.package": f"{model.package}=={model.version}",
        "fourgig.source.member": model.model.path,
        "fourgig.source.sha256": model.model.sha256,
    }


def _minilm(sources: list[Path], out: Path, origin: dict[str, str]) -> None:
    from systems.models import minilm

    minilm.convert(sources[0], out, origin)


def _e5(sources: list[Path], out: Path, origin: dict[str, str]) -> None:
    from systems.models import e5

    e5.convert(sources[0], out, origin)


def _wordllama(sources: list[Path], out: Path, origin: dict[str, str]) -> None:
    from systems.models import wordllama

    wordllama.convert(sources[0], sources[1], out, origin)


_CONVERTERS: dict[str, Callable[[list[Path], Path, dict[str, str]], None]] = {
    "minilm": _minilm,
    "e5-small": _e5,
    "wordllama": _wordllama,
}
