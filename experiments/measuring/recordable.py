"""What a record can hold: finite numbers, and text that is UTF-8; whatever says something else is told so at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from experiments.errors import Unrecordable
from experiments.measuring.records import Part


def encoded(part: Part) -> bytes:
    """Return a part as a role writes it. Raises `Unrecordable` where JSON has no word for what it says."""
    refuse_unrecordable(part, f"the {part.role}'s part")
    return msgspec.json.encode(part)


def refuse_unrecordable(value: object, whose: str) -> None:
    """Raise `Unrecordable` for the first number in ``value`` that is infinite or none, or text that is not UTF-8.

    JSON would hold null in the number's place, and the record could not be read again.
    """
    for place, each in _leaves(value, ""):
        if isinstance(each, float) and not math.isfinite(each):
            raise Unrecordable(f"{whose} says {each} at {place}: that can be neither recorded nor compared")
        if isinstance(each, str) and not _is_utf8(each):
            raise Unrecordable(f"{whose} says {each!a} at {place}: that is not UTF-8, and cannot be recorded")


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    inside: Iterable[tuple[str, object]]
    if isinstance(value, msgspec.Struct):
        inside = ((f".{name}", getattr(value, name)) for name in value.__struct_fields__)
    elif isinstance(value, Mapping):
        yield from ((place, name) for name in value)
        inside = ((f".{name}", each) for name, each in value.items())
    elif isinstance(value, list | tuple):
        inside = ((f"[{at}]", each) for at, each in enumerate(value))
    else:
        yield place.removeprefix("."), value
        return
    for step, each in inside:
        yield from _leaves(each, place + step)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
