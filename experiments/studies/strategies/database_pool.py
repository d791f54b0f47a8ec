"""A connection a request against kept ones: how long until one is had, and what it does to the whole request.

Users ask one after another, each as soon as it has its answer; a request reads one row by its key. What a connection
costs is the server's process for it, and the proof of the password, which both sides compute; over a socket nothing is
encrypted. A pool is filled before anybody asks, and its connections stay open, each a process of the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._postgres import LABELS, SERVICE, START_S
from experiments.studies.strategies._postgres_levels import PASSWORD, POOLS, TRUSTED

PART = "database-pool"
QUESTION = "a new database connection for each request, or one of a pool: how long until it is had, and what is kept?"
MEASURES = (
    "database_connection_time",
    "latency_p50",
    "database_connection_p95",
    "latency_p95",
    "throughput",
    "database_pool_memory",
)
PRIMARY = 2
REFERENCES = ("connect-each",)

_SUBJECTS = ("connect-each", *POOLS)
_REQUESTS: dict[Preset, int] = {"smoke": 16, "quick": 48, "standard": 128, "wide": 128, "paper": 640}
_ARMED, _ARMED_USERS = ("connect-each", "pool-20"), 16

# Seconds, for estimates: a request with a connection of its own, and one without.
_NEW_S, _KEPT_S = 0.012, 0.001


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way and number of users."""
    preset = request.preset
    found = [*_cells(preset)]
    armed = (
        cell
        for cell in found
        if cell.condition == _condition(preset, _ARMED_USERS, PASSWORD) and cell.subject in _ARMED
    )
    return [*found, *twins(armed)] if preset in GRADED else found


def _cells(preset: Preset) -> Iterator[Cell]:
    if preset not in GRADED:
        yield from _compared(_condition(preset, _ARMED_USERS, PASSWORD), _ARMED)
        return
    yield from _compared(_condition(preset, 1, PASSWORD), _ARMED)
    yield from _compared(_condition(preset, _ARMED_USERS, PASSWORD), _SUBJECTS)
    if preset != "standard":
        yield from _compared(_condition(preset, 64, PASSWORD), _SUBJECTS)
        yield from _compared(_condition(preset, _ARMED_USERS, TRUSTED), _ARMED)


def _condition(preset: Preset, users: int, login: str) -> dict[str, Scalar]:
    return {"part": PART, "users": users, "login": login, "requests": _REQUESTS[preset]}


def _compared(condition: dict[str, Scalar], subjects: Sequence[str]) -> Iterator[Cell]:
    for subject in subjects:
        each_s = _KEPT_S if subject in POOLS else _NEW_S
        opened = POOLS.get(subject, int(condition["users"] or 0))
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            services=(SERVICE,),
            labels=LABELS,
            estimate_s=START_S + 0.3 + int(condition["requests"] or 0) * each_s + opened * _NEW_S,
        )


def run(role: Role) -> None:
    """Have users ask, and note how long each waited for a connection and for its answer."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _database_pool

    _database_pool.run(role)
