"""The limits a trial runs under: one TOML file a profile."""

from __future__ import annotations

from importlib import resources

import msgspec

from systems.errors import BadInput, UnknownName


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of a small machine: memory and swap in bytes, processors as a whole number."""

    name: str
    description: str
    memory_bytes: int
    swap_bytes: int
    cpus: int


def names() -> list[str]:
    """Return the names of every shipped profile, smallest memory first."""
    return [profile.name for profile in sorted(_all(), key=lambda profile: profile.memory_bytes)]


def load(name: str) -> Profile:
    """Return the profile called ``name``. Raises `UnknownName`."""
    for profile in _all():
        if profile.name == name:
            return profile
    raise UnknownName("profile", name, names())


def _all() -> list[Profile]:
    found = []
    for entry in resources.files(__name__).iterdir():
        if entry.name.endswith(".toml"):
            try:
                found.append(msgspec.toml.decode(entry.read_bytes(), type=Profile))
            except msgspec.MsgspecError as error:
                raise BadInput(f"The profile {entry.name} is malformed: {error}.") from error
    return found
