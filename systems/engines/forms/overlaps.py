"""In how many ways a reply may be read at once, while it is said: alternatives that begin alike stay open side by side.

llama.cpp follows all of them, and where they come again within each other their number grows with every level, until
memory ends. So schemas of which that is true are refused; those whose alternatives differ at their beginning are not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from systems.engines.forms.gbnf import as_json
from systems.engines.forms.json_schema import Alternative, SchemaReader, of_property
from systems.errors import BadInput

# Readings of what is around a value, and ways to go on within it, that may be open at once.
_MOST_READINGS, _MOST_WAYS = 16, 2000

_Lead = list[tuple[str, frozenset[str] | None]]


class Overlaps:
    """Knows of every value how many of its alternatives begin alike, and which values lie within it."""

    def __init__(self, reader: SchemaReader) -> None:
        self._reader = reader
        self._open: dict[str, tuple[int, int]] = {}
        self._within: dict[str, set[str]] = {}

    def note(self, name: str, alternatives: Iterable[Alternative], within: set[str]) -> None:
        """Note the ``alternatives`` of the value ``name``, and the values that are ``within`` it."""
        alike, ways = 1, 1
        found = [one for one in alternatives if one.values is None]
        for kind in ("object", "array"):
            same = [one for one in found if kind in (one.kinds or one.speaks_of())]
            leads = [self._lead(one) if kind == "object" else [] for one in same]
            for lead in leads:
                open_too = [one for one, other in zip(same, leads, strict=True) if not _differ(lead, other)]
                alike = max(alike, len(open_too))
                ways = max(ways, sum(1 + len(one.properties) for one in open_too))
        self._open[name], self._within[name] = (alike, ways), within

    def check(self, root: str) -> None:
        """Raise `BadInput` if too many readings of the value ``root`` may be open at once."""
        readings, waiting = {root: 1}, deque([root])
        while waiting:
            name = waiting.popleft()
            alike, ways = self._open[name]
            if readings[name] > _MOST_READINGS or readings[name] * ways > _MOST_WAYS:
                raise BadInput(
                    "The schema has alternatives within each other that begin alike: what tells them apart, a property "
                    "with one value, must be required and be declared first."
                )
            for inner in self._within[name]:
                if readings[name] * alike > readings.get(inner, 0):
                    readings[inner] = readings[name] * alike
                    waiting.append(inner)

    def _lead(self, one: Alternative) -> _Lead:
        """Return the properties that ``one`` begins with, with what their values may be, up to one of any value."""
        found: _Lead = []
        for name in dict.fromkeys((*one.properties, *one.required)):
            if name not in one.required:
                break
            values = [each.values for each in self._reader.alternatives(of_property(one, name))]
            known = frozenset(as_json(value) for some in values for value in some or ())
            found.append((name, None if None in values else known))
            if None in values:
                break
        return found


def _differ(ours: _Lead, theirs: _Lead) -> bool:
    """Return whether of two objects only one can go on once what both begin with is said."""
    for (our_name, our_values), (their_name, their_values) in zip(ours, theirs, strict=False):
        if our_name != their_name:
            return True
        if our_values is None or their_values is None:
            return False
        if not our_values & their_values:
            return True
    return False
