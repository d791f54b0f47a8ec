"""How long something is to take, as a person writes it."""

from __future__ import annotations

import re

from systems.errors import BadInput

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)")


def seconds(written: str | float, whose: str) -> float:
    """Return the seconds of ``written``, such as 90, "90s", "10m" or "1.5h".

    Raises `BadInput` for what is no time, or none at all; ``whose`` says in it what is set.
    """
    found = _WRITTEN.fullmatch(str(written).strip().lower())
    length = 0.0 if found is None else float(found[1]) * _SECONDS.get(found[2], 0)
    if not 0 < length < float("inf"):
        raise BadInput(f"{whose} cannot be {str(written)!r}: give seconds, such as 90, or 10m, or 1h.")
    return length
