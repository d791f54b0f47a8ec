"""What the parts that ask PostgreSQL share: the service, what their tables say of it, and a way in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from experiments.measuring.records import ServiceSpec
from experiments.measuring.role import Role

if TYPE_CHECKING:
    from asyncpg import Connection

SERVICE = ServiceSpec(name="postgres", inside=True)
"""Inside the limits: on a small machine the database and its users share the processors and the memory."""

LABELS = (
    "no model runs: PostgreSQL alone is asked",
    "PostgreSQL as durable as it comes (fsync, synchronous_commit and full_page_writes on), inside the limits",
)

START_S = 2.1
"""Seconds, for estimates: a role and a new cluster, before there is anything in it."""


@asynccontextmanager
async def connection(role: Role) -> AsyncIterator[Connection]:
    """Be connected to the trial's server as the owner of everything."""
    import asyncpg

    from experiments.workloads.postgres.service import reached

    opened = await asyncpg.connect(**reached(role.service(SERVICE.name)))
    try:
        yield opened
    finally:
        await opened.close()
