"""What agents did in 35 days, a row an event, and ranges of time to ask for: the same for every way of finding them.

Rows are equally far apart, so how many lie in a range is known without looking.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 35
RANGES: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "2d": timedelta(days=2),
    "7d": timedelta(days=7),
    "35d": timedelta(days=DAYS),
}
"""How long a range is, by the name that measures have for it."""

COLUMNS = """
    at timestamptz NOT NULL, agent integer NOT NULL, tokens integer NOT NULL, seconds double precision NOT NULL,
    body text NOT NULL
"""
"""The columns of the table, in SQL: some 90 bytes a row."""

_MICROSECOND = timedelta(microseconds=1)
_ALL = timedelta(days=DAYS)


class Range(msgspec.Struct, frozen=True):
    """Events from ``start`` on and before ``end``, of which there are ``events``."""

    start: datetime
    end: datetime
    events: int


def step(rows: int) -> timedelta:
    """Return how far apart ``rows`` events are. Raises ValueError for a number that leaves no whole microseconds."""
    if (_ALL // _MICROSECOND) % rows:
        raise ValueError(f"{rows} events in {DAYS} days are no whole number of microseconds apart")
    return _ALL // rows


def insertion(rows: int, first: int, last: int, seed: int, *, shuffled: bool = False) -> str:
    """Return the SQL that adds events ``first`` up to before ``last`` of a table of ``rows``, in order or not."""
    at = f"timestamptz '{START.isoformat()}' + number * interval '{step(rows) // _MICROSECOND} microseconds'"
    drawn = f"hashint8extended(number, {seed})"
    columns = f"{at}, ({drawn} & 127)::integer, ({drawn} >> 8 & 2047)::integer, number % 60 / 4.0, md5(number::text)"
    numbers = f"generate_series({first}::bigint, {last - 1}::bigint) AS number"
    order = f" ORDER BY hashint8extended(number, {seed + 1})" if shuffled else ""
    return f"INSERT INTO events SELECT {columns} FROM {numbers}{order}"  # noqa: S608 - made of numbers


def ranges(rows: int, width: timedelta, count: int, seed: int) -> Sequence[Range]:
    """Return ``count`` ranges of ``width`` somewhere in the 35 days."""
    chosen = random.Random(f"{seed} {width}")
    apart = step(rows)
    found = []
    for _ in range(count):
        begin = timedelta(microseconds=chosen.randint(0, (_ALL - width) // _MICROSECOND))
        events = -(-(begin + width) // apart) - -(-begin // apart)
        found.append(Range(START + begin, START + begin + width, events))
    return found
