"""Regular expressions, as JSON Schema's ``pattern`` has them: what the texts are that one is found in.

They are read as Python reads them, which for what is supported here is how JavaScript does; where the two differ (which
letters are digits, or words) only what both take is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as said  # type: ignore[attr-defined] # it has no other parser
from re import _parser as reading  # type: ignore[attr-defined]
from typing import Any

from systems.engines.forms.automaton import Node, Pieces, Ranges, joined, without
from systems.engines.forms.gbnf import PRINTED, SPACES
from systems.errors import BadInput

_LONGEST = 2000  # characters

_BREAKS: Ranges = ((9, 10), (13, 13))
EVERY = joined((*PRINTED, *_BREAKS))
"""The characters that texts which fit a pattern are made of."""

_SPACE = joined([*_BREAKS, *((ord(each), ord(each)) for each in SPACES)])
_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_ASCII: Ranges = ((9, 10), (13, 13), (32, 126))
_CATEGORIES = {
    said.CATEGORY_DIGIT: _DIGIT,
    said.CATEGORY_NOT_DIGIT: without(_ASCII, _DIGIT),
    said.CATEGORY_SPACE: joined((*_BREAKS, (32, 32))),
    said.CATEGORY_NOT_SPACE: without(EVERY, _SPACE),
    said.CATEGORY_WORD: _WORD,
    said.CATEGORY_NOT_WORD: without(_ASCII, _WORD),
}
_ANY = without(EVERY, (*_BREAKS, (0x2028, 0x2029)))


def of_pattern(pattern: str, pieces: Pieces) -> tuple[Node, Node]:
    """Return the first and the last node of the texts in which ``pattern`` is found. Raises `BadInput`."""
    if len(pattern) > _LONGEST:
        raise BadInput(f"The schema's 'pattern' is longer than {_LONGEST} characters.")
    try:
        read = reading.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadInput(f"The schema's 'pattern' cannot be read: {error}.") from error
    if read.state.flags & ~re.UNICODE:
        raise _refused("flags")
    first, last = pieces.node(), pieces.node()
    for way in _top(list(read)):
        begun = bool(way) and way[0] == (said.AT, said.AT_BEGINNING)
        ended = bool(way) and way[-1] == (said.AT, said.AT_END)
        middle = way[int(begun) : len(way) - int(ended)]
        here = _anything(first, pieces) if not begun else first
        here = _sequence(middle, here, pieces)
        (_anything(here, pieces) if not ended else here).free.append(last)
    return first, last


def _top(items: list[Any]) -> Iterable[list[Any]]:
    """Yield the alternatives of a whole pattern: each may begin with its beginning, and end with its end."""
    if items and items[-1][0] is said.BRANCH:
        for branch in items[-1][1][1]:
            yield from _top([*items[:-1], *branch])
    elif len(items) == 1 and items[0][0] is said.SUBPATTERN and not any(items[0][1][1:3]):
        yield from _top(list(items[0][1][3]))
    else:
        yield items


def _sequence(items: Iterable[Any], here: Node, pieces: Pieces) -> Node:
    """Add what ``items`` ask for after ``here``, and return where that ends."""
    for kind, what in items:
        if kind in (said.MAX_REPEAT, said.MIN_REPEAT):
            least, most, inner = what
            here = _repeated(list(inner), least, None if most is said.MAXREPEAT else most, here, pieces)
        elif kind is said.SUBPATTERN:
            _, on, off, inner = what
            if on or off:
                raise _refused("flags")
            here = _sequence(inner, here, pieces)
        elif kind is said.BRANCH:
            after = pieces.node()
            for branch in what[1]:
                begin = pieces.node()
                here.free.append(begin)
                _sequence(branch, begin, pieces).free.append(after)
            here = after
        else:
            after = pieces.node()
            here.on.append((_characters(kind, what), after))
            here = after
    return here


def _repeated(items: Sequence[Any], least: int, most: int | None, here: Node, pieces: Pieces) -> Node:
    for _ in range(least):
        begin = pieces.node()  # even for what is empty: its number has a bound
        here.free.append(begin)
        here = _sequence(items, begin, pieces)
    if most is None:
        begin = pieces.node()
        here.free.append(begin)
        _sequence(items, begin, pieces).free.append(begin)
        return begin
    after = pieces.node()
    for _ in range(most - least):
        begin = pieces.node()
        here.free += (begin, after)
        here = _sequence(items, begin, pieces)
    here.free.append(after)
    return after


def _characters(kind: Any, what: Any) -> Ranges:
    """Return the characters that one item of a pattern stands for."""
    if kind is said.LITERAL:
        found: Ranges = ((what, what),)
    elif kind is said.NOT_LITERAL:
        found = without(EVERY, ((what, what),))
    elif kind is said.ANY:
        found = _ANY
    elif kind is said.RANGE:
        found = (what,)
    elif kind is said.CATEGORY:
        found = _CATEGORIES[what]
    elif kind is said.IN:
        negated = what[0][0] is said.NEGATE
        parts = [_characters(*each) for each in what[negated:]]
        if negated and any(each[0] is said.CATEGORY for each in what):
            # What is no digit here may be one elsewhere: of other scripts nothing is said.
            return without(_ASCII, [one for part in parts for one in part])
        found = joined(one for part in parts for one in part)
        found = without(EVERY, found) if negated else found
    else:
        raise _refused("an anchor within" if kind is said.AT else str(kind).lower().replace("_", " "))
    return without(found, without(((0, 0x10FFFF),), EVERY))


def _anything(here: Node, pieces: Pieces) -> Node:
    begin = pieces.node()
    here.free.append(begin)
    begin.on.append((EVERY, begin))
    return begin


def _refused(what: str) -> BadInput:
    return BadInput(f"The schema's 'pattern' has {what}, which is not supported: a reply cannot be held to it.")
