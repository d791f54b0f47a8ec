"""What the shell's tab key offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from systems import registry


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return typer's autocompletion that offers those of ``names`` which begin with what was typed."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def shape_names() -> list[str]:
    """Return the model shapes that can be made."""
    from systems.models.shapes import SHAPES

    return list(SHAPES)


def settings_of_systems() -> list[str]:
    """Return "system.name=" for every setting of every system."""
    return [
        each for name in registry.systems.names() for each in settings_of(name, registry.systems.get(name).settings)
    ]


def settings_of(whose: str, kind: type[msgspec.Struct]) -> list[str]:
    """Return "whose.name=" for every setting of ``kind``."""
    return [f"{whose}.{name}=" for name in kind.__struct_fields__]
