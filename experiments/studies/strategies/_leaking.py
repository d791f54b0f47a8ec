"""What a trial of the part ``leaks`` does."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.measuring.workload import workloads
from experiments.studies.strategies._leak_names import LEAST_BYTES, LOOKS, MEMRAY, SNAPSHOTS, WATCHED
from experiments.studies.subjects import WARM_UP, Stopwatch, ask, hosted, planned, warm
from systems.engines.scripted import Scripts

NOWHERE = "the process"
"""The place that is named by who knows no places."""

_USER = "user-0"
_OWN = f"{Path(__file__).parent.name}/{Path(__file__).name}:"


class LeakingListeners:
    """What leaks: whoever listens is put on a list, and nobody is taken off it."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def add(self, size: int) -> None:
        """Keep ``size`` bytes for ever."""
        self._kept.append(b"-" * size)


class SteadyGrowth:
    """Names what has grown at each of the last looks, and by enough in all. A look is what each place holds, bytes."""

    def __init__(self) -> None:
        self._before: Mapping[str, int] | None = None
        self._steps: defaultdict[str, list[int]] = defaultdict(list)

    def look(self, held: Mapping[str, int]) -> set[str]:
        """Return the places that are leaks by now; the first look is what later ones are compared with."""
        before, self._before = self._before, held
        named: set[str] = set()
        if before is None:
            return named
        for where in {*held, *before}:
            step = held.get(where, 0) - before.get(where, 0)
            steps = self._steps[where] = [*self._steps[where], step][-LOOKS:] if step > 0 else []
            if len(steps) == LOOKS and sum(steps) >= LEAST_BYTES:
                named.add(where)
        return named


class NamedLeaks:
    """What was named: after which turn the leak was, and which other places were at any look, but for this module's."""

    def __init__(self, leak: str) -> None:
        self.found_after: int | None = None
        self.others: set[str] = set()
        self._leak, self._growth = leak, SteadyGrowth()

    def look(self, turn: int, held: Mapping[str, int]) -> None:
        """Judge what each place holds after ``turn``."""
        named = self._growth.look(held)
        if self._leak in named and self.found_after is None:
            self.found_after = turn
        self.others |= {where for where in named if not where.startswith(_OWN)} - {self._leak}


class LeakWatch(ABC):
    """One way of looking for a leak. What was seen is judged by the close at the latest."""

    def __init__(self, role: Role, judged: NamedLeaks) -> None:
        self._role, self._judged = role, judged

    def open(self) -> None:  # noqa: B027 - one has nothing to begin
        """Begin."""

    @abstractmethod
    def look(self, turn: int) -> None:
        """Look after ``turn``."""

    def close(self) -> None:  # noqa: B027 - as above
        """End."""


class WatchedMemory(LeakWatch):
    """The process's anonymous memory, as the kernel counts it: there is one place, and it is nowhere."""

    def look(self, turn: int) -> None:
        """Read what the process holds."""
        self._judged.look(turn, {NOWHERE: self._role.processes.anonymous_bytes() or 0})


class HeapSnapshots(LeakWatch):
    """HeapSnapshots of Python's heap by tracemalloc: what each line of code holds."""

    def open(self) -> None:
        """Trace from now on."""
        tracemalloc.start()

    def look(self, turn: int) -> None:
        """Take a snapshot."""
        found: Counter[str] = Counter()
        for each in tracemalloc.take_snapshot().statistics("lineno"):
            frame = each.traceback[0]
            found[place(frame.filename, frame.lineno)] += each.size
        self._judged.look(turn, found)

    def close(self) -> None:
        """Trace no more."""
        tracemalloc.stop()


class MemrayTrace(LeakWatch):
    """What memray says, after the last turn, that each line of code held at every look."""

    def __init__(self, role: Role, judged: NamedLeaks) -> None:
        super().__init__(role, judged)
        self._looks: list[tuple[int, float]] = []
        self._capture = role.work_dir / "turns.bin"

    def open(self) -> None:
        """Trace from now on."""
        import memray

        # Small objects share blocks of the allocator that is traced by default: without this none of them is seen.
        self._tracker = memray.Tracker(self._capture, trace_python_allocators=True, memory_interval_ms=1)
        self._tracker.__enter__()

    def look(self, turn: int) -> None:
        """Remember when it was."""
        self._looks.append((turn, time.time() * 1000))
        time.sleep(0.003)  # until memray has noted a moment that is later

    def close(self) -> None:
        """Trace no more, and read what was held at each look."""
        import memray

        self._tracker.__exit__(None, None, None)
        with memray.FileReader(self._capture) as reader:
            moments = [snapshot.time for snapshot in reader.get_memory_snapshots()]
            records = list(reader.get_temporal_allocation_records(merge_threads=True))
        at = [bisect_left(moments, when) for _, when in self._looks]
        held: list[Counter[str]] = [Counter() for _ in at]
        for record in records:
            stack = record.stack_trace(max_stacks=1)
            if not stack:
                continue
            _, file, line = stack[0]
            for each in record.intervals:
                freed = each.deallocated_before_snapshot
                for moment, found in zip(at, held, strict=True):
                    if each.allocated_before_snapshot <= moment and (freed is None or freed > moment):
                        found[place(file, line)] += each.n_bytes
        for (turn, _), found in zip(self._looks, held, strict=True):
            self._judged.look(turn, found)


_WAYS: dict[str, type[LeakWatch]] = {WATCHED: WatchedMemory, SNAPSHOTS: HeapSnapshots, MEMRAY: MemrayTrace}


def run(role: Role) -> None:
    """Answer the turns, keep what leaks of each, and look every so many."""
    asyncio.run(_run(role))


async def _run(role: Role) -> None:
    condition = role.spec.condition
    turns, every, size = (int(condition[name] or 0) for name in ("turns", "every", "leaked_bytes"))
    asked, first = workloads.get(role.spec.workload)(role.spec.seed, 2, turns)
    scripts = Scripts(planned({WARM_UP: first[:1], _USER: asked}))
    # What is noted takes no memory while it is looked at: it would look like a leak.
    taken = array("d", [0.0]) * turns
    listeners, judged = (
        LeakingListeners(),
        NamedLeaks(NOWHERE if role.spec.subject == WATCHED and size else leaking_place()),
    )
    looking = _WAYS[role.spec.subject](role, judged)
    async with hosted(role, scripts) as system:
        await warm(system, first[:1])
        looking.open()
        try:
            clock = Stopwatch()
            for number, turn in enumerate(asked):
                row = await ask(system, turn, _USER, clock, clock())
                taken[number] = row.finished_s - row.intended_s if row.outcome == "ok" else float("nan")
                if size:
                    listeners.add(size)
                if (number + 1) % every == 0:
                    looking.look(number + 1)
            anonymous = role.processes.anonymous_bytes()  # what the way of looking holds is still there
        finally:
            looking.close()
        await asyncio.to_thread(role.outside_look)
    _note(role, judged, taken, anonymous)


def _note(role: Role, judged: NamedLeaks, taken: array[float], anonymous: int | None) -> None:
    role.part.requests += [
        RequestRow(
            intended_s=0.0,
            started_s=0.0,
            first_token_s=None,
            finished_s=round(seconds, 6) if seconds == seconds else 0.0,
            outcome="ok" if seconds == seconds else "failed",
            turn=number,
        )
        for number, seconds in enumerate(taken)
    ]
    role.part.values["leak_other_places"] = float(len(judged.others))
    if judged.found_after is not None:
        role.part.values["leak_found_after"] = float(judged.found_after)
    if anonymous is not None:
        role.part.values["leak_anonymous_bytes"] = float(anonymous)


def leaking_place() -> str:
    """Return the line that leaks."""
    code = LeakingListeners.add.__code__
    return place(code.co_filename, max(line for _, _, line in code.co_lines() if line is not None))


def place(file: str, line: int) -> str:
    """Return a line of code by its file's name and folder."""
    return f"{Path(file).parent.name}/{Path(file).name}:{line}"
