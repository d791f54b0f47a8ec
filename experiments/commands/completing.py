"""What the shell's tab key offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import msgspec
import typer

from experiments.commands.asking import each_once
from experiments.measuring import choosing
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import GridRequest, Preset, studies
from systems import registry
from systems.errors import FourgigError
from systems.settings import names_of


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return typer's autocompletion that offers those of ``names`` which begin with what was typed."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def shape_names() -> list[str]:
    """Return the model shapes that can be made."""
    from systems.models.shapes import SHAPES

    return list(SHAPES)


def model_names() -> list[str]:
    """Return what a model that answers can be called, but for the path of a file."""
    from systems.models import find

    return find.names()


def published_names() -> list[str]:
    """Return the models that can be fetched."""
    from systems.models.published import PUBLISHED

    return list(PUBLISHED)


def settings_of_trials() -> list[str]:
    """Return "whose.name=" for every setting of every system and every engine, but for the model's path."""
    every = [*settings_of_systems(), *settings_of_engines()]
    return [name for name in every if not name.endswith(".model_path=")]


def settings_of_systems() -> list[str]:
    """Return "system.name=" for every setting of every system."""
    return [
        each for name in registry.systems.names() for each in settings_of(name, registry.systems.get(name).settings)
    ]


def settings_of_engines() -> list[str]:
    """Return "engine.name=" for every setting of every engine."""
    return [
        each for name in registry.engines.names() for each in settings_of(name, registry.engines.get(name).Settings)
    ]


def settings_of(whose: str, kind: type[msgspec.Struct]) -> list[str]:
    """Return "whose.name=" for every setting of ``kind``."""
    return [f"{whose}.{name}=" for name in names_of(kind)]


def parts(context: typer.Context, incomplete: str) -> list[str]:
    """Return typer's autocompletion of a part of the studies on the command line; of all if none is."""
    found = dict.fromkeys(name for study in _studies(context) for name in studies.get(study).parts)
    return [name for name in found if name.startswith(incomplete)]


def levels(context: typer.Context, incomplete: str) -> list[str]:
    """Return typer's autocompletion of "factor=", and behind it of the levels that the studies' trials have."""
    preset: Preset = context.params.get("preset") or "quick"
    systems = each_once(context.params.get("systems") or registry.systems.names())
    request = GridRequest(preset=preset, systems=systems, engine=EngineSpec(name="simulated"))
    found: dict[str, None] = {}
    with suppress(FourgigError, KeyError):  # a name that was misspelt before: there is nothing to offer
        for study in _studies(context):
            for cell in studies.get(study)().grid(request):
                found.update(
                    dict.fromkeys(f"{factor}={level}" for factor, level in choosing.levels(cell).items() if level)
                )
    factor, equals, _ = incomplete.partition("=")
    if not equals:
        found = dict.fromkeys(f"{pair.partition('=')[0]}=" for pair in found)
    return [pair for pair in found if pair.startswith(f"{factor}{equals}" if equals else incomplete)]


def _studies(context: typer.Context) -> Sequence[str]:
    # Behind an option that still lacks its value the arguments are not told apart yet.
    words = context.params.get("study") or context.args
    named = [name for name in words if name in studies.names()]
    return named or studies.names()
