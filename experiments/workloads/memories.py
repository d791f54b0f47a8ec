"""Memories as a store of agents keeps them in a table: a text, notes on it, and a vector, some two kilobytes each."""

from __future__ import annotations

SIZES: dict[str, int] = {"100": 100, "1k": 1_000, "10k": 10_000, "50k": 50_000}
"""How many memories a table has when it is asked, by the name that measures have for it."""

AGENTS = 100
"""Memory ``number`` is of agent ``number`` modulo so many: each has a hundredth."""

TABLE = """
    CREATE TABLE memories (
        id bigint NOT NULL, agent integer NOT NULL, at timestamptz NOT NULL, kind text NOT NULL, data text NOT NULL,
        notes jsonb NOT NULL, vector bytea NOT NULL
    )
"""
"""The table, in SQL, without an index. ``vector`` is 384 numbers of four bytes."""

FIELDS = ("id", "agent", "at", "kind", "data", "notes", "vector")


def insertion(first: int, last: int, seed: int) -> str:
    """Return the SQL that adds memories ``first`` up to before ``last``, each newer than the one before."""
    # sha512 gives 64 bytes that nothing packs, as those of a vector are: 24 make 1,536.
    vector = " || ".join(f"sha512(('{seed} ' || number || ' {part}')::bytea)" for part in range(24))
    return (
        f"INSERT INTO memories SELECT number, number % {AGENTS}, "  # noqa: S608 - numbers
        "timestamptz '2026-01-01 00:00+00' + number * interval '1 minute', 'event', "
        f"repeat(md5('{seed} ' || number), 6), "
        "jsonb_build_object('source', 'talk', 'importance', number % 10, 'session', md5(number::text), "
        "'tags', jsonb_build_array('agent', 'memory', number % 7)), "
        f"{vector} FROM generate_series({first}, {last - 1}) AS number"
    )


def newest(size: int, agent: int, count: int) -> list[int]:
    """Return the numbers of the ``count`` newest memories of ``agent`` among ``size``, the newest first."""
    last = (size - 1 - agent) // AGENTS * AGENTS + agent
    return list(range(last, -1, -AGENTS))[:count]
