"""What a trial of the part ``database-pool`` does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg
from asyncpg import Connection

from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.strategies._postgres import SERVICE, connection
from experiments.studies.strategies._postgres_levels import POOLS, TRUSTED
from experiments.studies.subjects import Stopwatch
from experiments.workloads.postgres.service import reached

_AGENTS = 10_000
_ASKED = "SELECT id, name, turns FROM agents WHERE id = $1"
_USER, _PASSWORD = "agent", "known to both"

_Login = dict[str, str | int]
_Open = Callable[[], AbstractAsyncContextManager[Connection]]


def run(role: Role) -> None:
    """Have users ask, and note how long each waited for a connection and for its answer."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    async with connection(role) as owner:
        await _fill(owner)
    users, requests = int(role.spec.condition["users"] or 0), int(role.spec.condition["requests"] or 0)
    chosen = random.Random(role.spec.seed)
    asked = [[chosen.randrange(_AGENTS) for _ in range(requests // users)] for _ in range(users)]
    async with _way(role) as opened:
        await _warm(opened, POOLS.get(role.spec.subject, 1))
        clock, waited = Stopwatch(), role.part.series.setdefault("connection_s", [])
        asking = (
            _user(number, opened, agents, clock, waited, role.part.requests) for number, agents in enumerate(asked)
        )
        await asyncio.gather(*asking)
        await _note_memory(role, opened, POOLS.get(role.spec.subject, users))
        await asyncio.to_thread(role.outside_look)


async def _fill(owner: Connection) -> None:
    numbers = f"generate_series(0, {_AGENTS - 1}) AS number"
    await owner.execute("CREATE TABLE agents (id integer PRIMARY KEY, name text NOT NULL, turns integer NOT NULL)")
    await owner.execute(f"INSERT INTO agents SELECT number, 'agent ' || number, 0 FROM {numbers}")  # noqa: S608 - ours
    await owner.execute(f"CREATE ROLE {_USER} LOGIN PASSWORD '{_PASSWORD}'")
    await owner.execute(f"GRANT SELECT ON agents TO {_USER}")
    await owner.execute("VACUUM ANALYZE agents")


@asynccontextmanager
async def _way(role: Role) -> AsyncIterator[_Open]:
    """Return what gives a connection, and takes it back, in the way that the trial is about."""
    login: _Login = reached(role.service(SERVICE.name))
    if role.spec.condition["login"] != TRUSTED:
        login |= {"user": _USER, "password": _PASSWORD}
    size = POOLS.get(role.spec.subject)
    if size is None:
        yield partial(_new, login)
        return
    async with asyncpg.create_pool(**login, min_size=size, max_size=size) as pool:
        yield pool.acquire


@asynccontextmanager
async def _new(login: _Login) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(**login)
    try:
        yield opened
    finally:
        await opened.close()


async def _user(
    number: int, opened: _Open, agents: Iterable[int], clock: Stopwatch, waited: list[float], rows: list[RequestRow]
) -> None:
    """Ask for agents one after another. An answer counts when it is there; then the connection is given back."""
    for turn, agent in enumerate(agents):
        asked_s = clock()
        async with opened() as had:
            waited.append(round(clock() - asked_s, 6))
            await _ask(had, agent)
            answered_s = clock()
        rows.append(
            RequestRow(
                intended_s=asked_s,
                started_s=asked_s,
                first_token_s=None,
                finished_s=answered_s,
                outcome="ok",
                user=number,
                turn=turn,
            )
        )


async def _ask(had: Connection, agent: int) -> None:
    """Raise AssertionError where another agent comes than was asked for."""
    found = await had.fetchrow(_ASKED, agent)
    if found is None or found["id"] != agent:
        raise AssertionError(f"{found} came when agent {agent} was asked for.")


async def _warm(opened: _Open, count: int) -> None:
    """Have every connection of a pool ask once: what one plans and caches for its first question does not count."""
    async with AsyncExitStack() as stack:
        await _all_ask(stack, opened, count)


async def _all_ask(stack: AsyncExitStack, opened: _Open, count: int) -> None:
    """Have so many connections ask once, each of which stays open until the stack is closed."""
    for agent in range(count):
        await _ask(await stack.enter_async_context(opened()), agent)


async def _note_memory(role: Role, opened: _Open, count: int) -> None:
    """Note what all processes hold with as many connections open as the way has at most, each having asked."""
    async with AsyncExitStack() as stack:
        await _all_ask(stack, opened, count)
        held = role.processes.anonymous_bytes()
    if held is not None:
        role.part.values["database_held_bytes"] = float(held)
