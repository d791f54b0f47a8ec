"""From bytes to what they say: JSON or JSON Lines, and values that may be of another kind than they should be."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from systems.errors import BadInput

T = TypeVar("T")

NO_TURN, NO_QUESTION = "entries that are no turn", "entries that are no question"

# As LoCoMo and LongMemEval write dates, without commas and the day of the week, and what else is near to them.
_DATES = (
    *("%I:%M %p on %d %B %Y", "%I:%M %p on %d %b %Y", "%H:%M on %d %B %Y", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
    *("%Y/%m/%d", "%d %B %Y", "%B %d %Y", "%d %B %Y %H:%M", "%B %d %Y %H:%M"),
)
_LEFT_OUT_OF_DATES = re.compile(r"\([^)]*\)|,")
_LATEST_S = 1e11  # the year 5138: a greater number is none of seconds


def entries(data: bytes) -> list[Any]:
    """Return what ``data`` lists as JSON or as JSON Lines; what is no list is the only entry. Raises `BadInput`.

    NaN and a byte-order mark, which JSON does not know, are accepted.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        return _lines(data, error)
    return found if isinstance(found, list) else [found]


def _lines(data: bytes, whole: Exception) -> list[Any]:
    found: list[Any] = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise BadInput(f"no JSON ({whole})" if not found else f"line {number} is no JSON ({error})") from error
    if not found:
        raise BadInput("nothing is in it")
    return found


def converted(found: object, kind: type[T]) -> T:
    """Return parsed JSON as ``kind``. Raises `BadInput`, whose text says where it is another thing."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise BadInput(str(error)) from error


def said(value: object) -> str:
    """Return ``value`` as text without space around it: a number as its digits; NaN, null and what is no text as ""."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().strip()  # half of a character cannot be saved
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    return str(int(value) if value == int(value) else value)


def objects(value: object, left_out: Counter[str], what: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, and count what else is in it as ``what``; no list at all is one of these."""
    if not isinstance(value, list):
        left_out[what] += isinstance(value, dict) or said(value) != ""
        return
    for each in value:
        if isinstance(each, dict):
            yield each
        else:
            left_out[what] += 1


def date(value: object) -> float | None:
    """Return a date in seconds since the epoch, None where it cannot be read.

    As in LoCoMo ("1:56 pm on 8 May, 2023"), in LongMemEval ("2023/05/20 (Sat) 02:21"), in ISO 8601, or as such seconds;
    in UTC where it says nothing else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < _LATEST_S else None
    text = " ".join(_LEFT_OUT_OF_DATES.sub(" ", said(value)).split())
    for form in (None, *_DATES):
        with suppress(ValueError, OverflowError):
            found = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None
