"""The saturation search: the highest rate of independent arrivals that a system serves within the objective.

Rates are doubled until one fails, then halved by their geometric mean until the highest that holds and the lowest that
fails are ten percent apart. Each is offered for as long, and to an idle server: new sessions, on new connections.
A rate that has failed is not offered to its end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Part, RequestRow, TrialSpec
from experiments.measuring.workload import workloads
from experiments.metrics.objective import ENOUGH, REPLY_S, met
from experiments.studies.load import users
from experiments.studies.planning import post
from experiments.studies.subjects import Stopwatch

APART = 1.1
LEAST_REQUESTS = 20
MOST_RATES = 12


class Offered(NamedTuple):
    """A rate, the share of its requests within the objective, and the latencies of what was answered."""

    rate: float
    share: float
    latencies: str

    @property
    def held(self) -> bool:
        """Whether the rate met the objective."""
        return self.share >= ENOUGH


async def search(offer: Callable[[float], Awaitable[Offered]], start: float) -> list[Offered]:
    """Return every rate that was offered, in order: ``offer`` tries one. The search begins at ``start``."""
    found: list[Offered] = []
    holds, fails, rate = 0.0, math.inf, start
    while len(found) < MOST_RATES and fails > APART * holds:
        found.append(await offer(rate))
        if found[-1].held:
            holds = rate
        else:
            fails = rate
        rate = 2 * holds if fails == math.inf else fails / 2 if holds == 0 else math.sqrt(holds * fails)
    return found


async def offer(address: str, planner: str, spec: TrialSpec, number: int, rate: float) -> Offered:
    """Offer ``rate`` requests a second, the ``number``-th rate of a search, and return what was seen.

    It is offered for ``window_s``, or for as many requests as tell something.
    """
    requests = _requests(spec, rate)
    arrivals = {**spec.condition, "arrivals": "poisson", "rate": rate, "requests": requests}
    asked = users.asked(arrivals, spec.seed * MOST_RATES + number, workloads.get(spec.workload))
    first_user = number * len(asked)
    await asyncio.to_thread(post, planner, users.plan(asked, first_user))
    latencies, within, beyond = Histogram(), 0, 0
    failed = asyncio.Event()

    def note(row: RequestRow) -> None:
        nonlocal within, beyond
        if row.outcome == "ok":
            latencies.add(row.finished_s - row.intended_s)
        within, beyond = within + met(row), beyond + (not met(row))
        if beyond > (1 - ENOUGH) * requests:
            failed.set()

    connections = [await users.connected(address) for _ in asked]
    with users.old_objects_left_alone():
        clock = Stopwatch()

        async def everyone() -> None:
            await asyncio.gather(
                *(
                    users.talk(connection, user, questions, clock, patience_s=REPLY_S, note=note)
                    for user, (connection, questions) in enumerate(zip(connections, asked, strict=True), first_user)
                )
            )

        working = [asyncio.create_task(everyone()), asyncio.create_task(failed.wait())]
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            if working[0].done():
                await working[0]
        finally:
            for each in working:
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            # Nobody waits for what is still queued: the server drops it.
            await asyncio.gather(*(connection.close() for connection in connections))
    return Offered(rate, within / requests, latencies.text())


async def saturate(address: str, planner: str, spec: TrialSpec, part: Part) -> None:
    """Search, and note the rates in ``part``."""
    number = 0

    async def next_offer(rate: float) -> Offered:
        nonlocal number
        number += 1
        return await offer(address, planner, spec, number, rate)

    found = await search(next_offer, float(spec.condition["start"] or 0))
    part.series["rate"] = [each.rate for each in found]
    part.series["share"] = [each.share for each in found]
    part.histograms["latency_s"] = [each.latencies for each in found]
    # No row is kept of a request. Of a rate that failed not all were sent, and of these not all were waited for.
    part.values["requests"] = sum(_requests(spec, each.rate) for each in found)
    part.values["answered"] = len(Histogram(each.latencies for each in found))


def _requests(spec: TrialSpec, rate: float) -> int:
    """Return how many requests are offered at ``rate``."""
    return max(LEAST_REQUESTS, round(rate * float(spec.condition["window_s"] or 0)))
