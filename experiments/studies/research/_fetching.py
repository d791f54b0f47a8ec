"""What a trial of the part ``fetch`` does."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Self, cast

from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.subjects import Stopwatch
from experiments.workloads.site.pages import MOST_HOSTS, Delays, Visit, host_of, sentence, visits
from systems.research.fetching import make_fetcher
from systems.research.fetching.interface import Fetcher
from systems.research.sources.documents import Document, Found

_SAMPLE_S = 0.01


def run(role: Role) -> None:
    """Fetch the planned pages once; what loads on first use was loaded by a page before."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    condition, seed = role.spec.condition, role.spec.seed
    port = int(role.service(role.spec.services[0].name).rpartition(":")[2])
    planned = visits(
        seed,
        int(condition["addresses"] or 0),
        cast(Delays, condition["delays"]),
        int(condition["mean_ms"] or 0),
        int(condition["failing"] or 0),
    )
    hosts = int(condition["hosts"] or 1)
    pages = {visit.url(host_of(visit.number, hosts), port, seed): visit for visit in planned}
    fetcher = _fetcher(role)
    await fetcher.fetch([Visit(number=len(planned), after_ms=0).url("127.0.0.1", port, seed)])
    await _measured(role, fetcher, pages)
    await asyncio.to_thread(role.outside_look)


def _fetcher(role: Role) -> Fetcher:
    return make_fetcher(
        str(role.spec.settings["pattern"]),
        deadline_s=float(role.spec.condition["deadline_s"] or 0),
        total_deadline_s=float(role.spec.condition["within_s"] or 0),
        at_once=int(role.spec.settings["at_once"] or 1),
        private_hosts=frozenset(host_of(number, MOST_HOSTS) for number in range(MOST_HOSTS)),
    )


async def _measured(role: Role, fetcher: Fetcher, pages: dict[str, Visit]) -> None:
    """Fetch ``pages``, by address, and note what came of them. Raises AssertionError for what cannot be."""
    users = {address: user for user, address in enumerate(pages)}

    def note(found: Found) -> None:
        row = RequestRow(
            intended_s=0.0,
            started_s=0.0,
            first_token_s=None,
            finished_s=clock(),
            outcome="ok" if isinstance(found, Document) else "refused",
            user=users[found.source],
        )
        role.part.requests.append(row)

    with _Peak(role) as peak:
        async with LoopDelay() as delay:
            clock, used = Stopwatch(), time.process_time()
            found = await fetcher.fetch(list(pages), note)
            took_s, used_s = clock(), time.process_time() - used
    role.part.loop_delay_s = delay.delays_s
    whole = [visit for visit in pages.values() if visit.fault is None]
    role.part.values = {
        "fetch_s": took_s,
        "fetch_cpu_s": round(used_s, 6),
        "fetch_sampling_cpu_s": round(peak.cpu_s, 6),
        "fetch_peak_bytes": float(peak.bytes),
        "pages_served": float(len(whole)),
        "pages_had": float(sum(_came(each, pages[each.source], role.spec.seed) for each in found)),
    }


def _came(found: Found, visit: Visit, seed: int) -> bool:
    if not isinstance(found, Document):
        return False
    if visit.fault is not None or sentence(seed, visit.number) not in found.text:
        raise AssertionError(f"The page {found.source} was read, and is not what the site serves.")
    return True


class _Peak:
    """The most anonymous memory of any moment while it is open, read on a thread: the event loop may stand still.

    Afterwards ``cpu_s`` is the processor time that the reading took.
    """

    def __init__(self, role: Role) -> None:
        self._processes = role.processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.bytes, self.cpu_s = 0, 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, self._processes.anonymous_bytes() or 0)
            if self._over.wait(_SAMPLE_S):
                self.bytes = max(self.bytes, self._processes.anonymous_bytes() or 0)
                self.cpu_s = time.thread_time()
                return
