"""What a kind of document is: who it is about, what it states of them, and what else it says."""

from __future__ import annotations

import msgspec


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """Something that every document of a kind states, with a value of its own.

    ``says`` states it, of ``{name}`` with ``{value}``; ``former`` states, where a document has it, what the value
    ``{old}`` was before. ``plain`` asks for it in nearly the words of the statement, ``reworded`` in others.
    Values are numbers from the first of ``numbers`` to below the second, in such steps, or ``words``, or the names of
    a kind, ``named``.
    """

    name: str
    says: str
    plain: str
    reworded: str
    numbers: tuple[int, int, int] = (0, 0, 1)
    words: tuple[str, ...] = ()
    named: str = ""
    former: str = ""


class Subjects(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of document: the ``names`` of what its documents are about, one each, and what they say.

    ``title`` and ``opening`` begin a document. ``remarks`` tell nothing that is asked for; all may have ``{name}``,
    ``{other}`` (of the same kind), ``{town}``, ``{person}``, ``{machine}`` and ``{season}``.
    """

    kind: str
    names: tuple[str, ...]
    title: str
    opening: str
    attributes: tuple[Property, ...]
    remarks: tuple[str, ...]


def listed(text: str) -> tuple[str, ...]:
    """Return the members of a text with commas between them."""
    return tuple(each.strip() for each in text.split(","))


WEEKDAYS = listed("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
COLOURS = listed("green, amber, violet, white, crimson, blue, silver, orange")
