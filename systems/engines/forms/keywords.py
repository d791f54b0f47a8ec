"""What single keywords of a JSON Schema say, checked: each raises `BadInput` for what the standard does not allow."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from systems.errors import BadInput

KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")


def typed(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the kinds that ``type`` names, None if it is not said; ``number`` includes integers."""
    said = schema.get("type")
    if said is None:
        return None
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list | tuple) or not names or not all(name in KINDS for name in names):
        raise BadInput(f"The schema's type {shown(said)} is none of {', '.join(KINDS)}.")
    return frozenset(names) | (frozenset({"integer"}) if "number" in names else frozenset())


def listed(schema: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the names that are listed under ``name``."""
    found = schema.get(name, ())
    if found is False:  # a draft that nobody uses any more says it of each property
        return ()
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise BadInput(f"The schema's {name!r} is no list of names.")
    return tuple(dict.fromkeys(found))


def count(schema: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    """Return the count under ``name``, or ``otherwise``."""
    found = schema.get(name)
    if found is None:
        return otherwise
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0 or found % 1:
        raise BadInput(f"The schema's {name!r} is {shown(found)}, which is no count.")
    return int(found)


def bound(schema: Mapping[str, Any], name: str, exclusive: str) -> tuple[Decimal, bool] | None:
    """Return the bound that two keywords set, and whether it is itself left out."""
    closed, opened = schema.get(name), schema.get(exclusive)
    if isinstance(opened, bool):  # as it was said in older drafts
        closed, opened = (None, closed) if opened else (closed, None)
    found = [
        (_number(value, name), left_out) for value, left_out in ((closed, False), (opened, True)) if value is not None
    ]
    if not found:
        return None
    sign = 1 if name == "minimum" else -1
    return max(found, key=lambda bound: (sign * bound[0], bound[1]))


def _number(value: Any, name: str) -> Decimal:
    try:
        found = (
            Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else Decimal("nan")
        )
    except (InvalidOperation, ValueError):  # an integer of more digits than Python writes
        found = Decimal("nan")
    if not found.is_finite():
        raise BadInput(f"The schema's {name!r} is {shown(value)}, which is no number to be compared with.")
    return found


def shown(value: Any) -> str:
    """Return ``value`` as a message has it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = "too long to be shown"
    return text if len(text) <= 60 else f"{text[:60]}…"
