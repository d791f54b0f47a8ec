"""The trials of the part `restarts`: the service, who kills its workers, and who asks it meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from experiments.measuring.probes import processes
from experiments.measuring.role import Role
from experiments.studies.subjects import Stopwatch
from systems.errors import SystemFailed

_SERVICE = Path(__file__).with_name("_restarts_service.py")
_READY_WITHIN_S = 20.0

# Of the seconds of a trial: when all workers are killed, and from when on they start well again.
_BREAKS_AT, _REPAIRED_AT = 0.2, 0.6


class Probe(msgspec.Struct, frozen=True):
    """One request: when it was due, in seconds, and whether it was answered in time."""

    due_s: float
    answered: bool


class _Service:
    """The supervisor's process, and what it has said: which workers serve, and how many were started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.serving: list[int] = []
        self.starts = 0
        self.address: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Condition()
        self._hearing = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, _, rest = line.decode().strip().partition(" ")
            async with self._changed:
                if word == "listening":
                    host, _, port = rest.rpartition(":")
                    self.address.set_result((host, int(port)))
                elif word == "starting":
                    self.starts += 1
                elif word == "serving":
                    self.serving.append(int(rest))
                self._changed.notify_all()

    async def serves(self, workers: int) -> None:
        """Return when so many workers serve. Raises `SystemFailed` where they do not in time."""
        try:
            async with asyncio.timeout(_READY_WITHIN_S), self._changed:
                await self._changed.wait_for(lambda: len(self.serving) >= workers)
        except TimeoutError:
            raise SystemFailed(f"Not all {workers} workers serve after {_READY_WITHIN_S:g} s.") from None

    def kill(self, pids: Iterable[int]) -> None:
        """Kill these workers, which then serve no more."""
        for pid in list(pids):
            self.serving.remove(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def end(self) -> None:
        """End the supervisor, and with it its workers."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._hearing


async def started(policy: str, workers: int, broken: Path) -> _Service:
    """Return a service that starts so many workers; while the file `broken` is there, they die at their start."""
    pipe = asyncio.subprocess.PIPE
    plan = [policy, str(workers), str(broken)]
    return _Service(
        await asyncio.create_subprocess_exec(sys.executable, "-P", str(_SERVICE), *plan, stdin=pipe, stdout=pipe)
    )


def run(role: Role) -> None:
    """Run the trial, and note what was answered and what it took."""
    before_s = processes.waited_for_seconds()
    asyncio.run(_live(role))
    role.part.values["service_cpu_s"] = processes.waited_for_seconds() - before_s
    role.outside_look()


def longest_outage_s(probes: Iterable[Probe]) -> float:
    """Return the longest time from a request that was not answered to the next that was, by when they were due.

    An outage that lasts until the end counts until the last request.
    """
    longest, since, last = 0.0, None, 0.0
    for probe in sorted(probes, key=lambda each: each.due_s):
        last = probe.due_s
        if not probe.answered:
            since = last if since is None else since
        if since is not None:
            longest = max(longest, last - since)
        if probe.answered:
            since = None
    return longest


def back_after_s(probes: Iterable[Probe], repaired_s: float) -> float | None:
    """Return how long after the repair the first request that was answered was due; None where none was."""
    back = [probe.due_s for probe in probes if probe.answered and probe.due_s >= repaired_s]
    return min(back) - repaired_s if back else None


async def _live(role: Role) -> None:
    condition = role.spec.condition
    seconds, workers = float(condition["seconds"] or 0), int(condition["workers"] or 1)
    broken = role.work_dir / "broken"
    service = await started(role.spec.subject, workers, broken)
    repaired_s: float | None = None
    try:
        await service.serves(workers)
        before, clock = service.starts, Stopwatch()
        asking = asyncio.create_task(_asked(role, await service.address, seconds, clock))
        if condition["fault"] == "dies-at-start":
            kills = workers
            repaired_s = await _break(service, broken, seconds, clock)
        else:
            kills = await _kill(service, role, seconds, clock)
        probes = await asking
        starts = service.starts - before
    finally:
        await service.end()
    role.part.values |= {
        "probes": len(probes),
        "answered": sum(probe.answered for probe in probes),
        "longest_outage_s": longest_outage_s(probes),
        "kills": kills,
        "starts": starts,
    }
    if repaired_s is not None:
        back_s = back_after_s(probes, repaired_s)
        if back_s is not None:
            role.part.values["back_s"] = back_s


async def _asked(role: Role, address: tuple[str, int], seconds: float, clock: Stopwatch) -> list[Probe]:
    """Ask at the stated rate, whether or not earlier requests are done, and return what came of each."""
    per_s, deadline_s = float(role.spec.condition["per_s"] or 1), float(role.spec.condition["deadline_s"] or 1)
    asking = []
    for number in range(round(seconds * per_s)):
        due_s = number / per_s
        await asyncio.sleep(max(0.0, due_s - clock()))
        asking.append(asyncio.create_task(_ask(address, due_s, deadline_s, clock)))
    return list(await asyncio.gather(*asking))


async def _ask(address: tuple[str, int], due_s: float, deadline_s: float, clock: Callable[[], float]) -> Probe:
    """Ask once; the deadline counts from when the request was due, however late it is asked."""
    writer, answer = None, b""
    try:
        async with asyncio.timeout(due_s + deadline_s - clock()):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"a question")
            answer = await reader.read(100)
    except (OSError, TimeoutError):
        pass  # nobody was there, it died, or it was too late: no answer
    finally:
        if writer is not None:
            writer.close()
    return Probe(due_s, bool(answer))


async def _kill(service: _Service, role: Role, seconds: float, clock: Stopwatch) -> int:
    """Kill workers again and again, and return how many were."""
    every_s, rng = float(role.spec.condition["every_s"] or 1), random.Random(role.spec.seed)
    kills = 0
    for period in range(int(seconds / every_s)):
        # Not at the end of a period: a kill whose consequences nobody sees is none.
        await asyncio.sleep(max(0.0, every_s * (period + rng.uniform(0.1, 0.5)) - clock()))
        everyone = role.spec.condition["fault"] == "all-killed"
        chosen = list(service.serving) if everyone else rng.sample(service.serving, min(1, len(service.serving)))
        service.kill(chosen)
        kills += len(chosen)
    return kills


async def _break(service: _Service, broken: Path, seconds: float, clock: Stopwatch) -> float:
    """Kill all workers, let those that start die for a while, and return when that was repaired."""
    await asyncio.sleep(_BREAKS_AT * seconds - clock())
    broken.touch()
    service.kill(service.serving)
    await asyncio.sleep(max(0.0, _REPAIRED_AT * seconds - clock()))
    broken.unlink()
    return clock()
