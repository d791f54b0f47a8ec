"""What one language says of people, how it changes, denies and asks it, and small talk.

In the cores ``{S}`` is the person ("Marela", "I"), ``{S_object}`` the person as an object ("me"), ``{P}`` whose
("Marela's", "my"), ``{V}`` the value, ``{O}`` the value that no longer holds, and ``[lives|live]`` the form for others
and for oneself. A change and a denial say by their words that they are one ("now", "any more"), so that the newest
holds in whatever order a prompt has them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Act = Literal["state", "change", "deny", "ask"]


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person has one of: the kind of its values, and the cores of each act."""

    value: str
    state: tuple[str, ...]
    change: tuple[str, ...]
    deny: tuple[str, ...]
    ask: tuple[str, ...]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language: attributes by name, frames by act, small talk, and what a good assistant replies."""

    attributes: dict[str, Attribute]
    telling: tuple[str, ...]
    asking: tuple[str, ...]
    small_talk: tuple[str, ...]
    noted: str
    chatted: str
    unknown: str
    oneself: tuple[str, str]  # as subject, and as owner
    owner: str  # made of a name
