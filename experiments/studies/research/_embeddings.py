"""The trials of the part `embeddings`: one pattern, several requests at once, and what all processes held meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from itertools import islice
from types import TracebackType

from experiments.measuring.probes import memory
from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.probes.processes import Inside
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.workloads import vectors
from systems.errors import FourgigError
from systems.research.embedding.relevance import PATTERNS, TextRelevance, make_relevance

# Texts of some 70 characters that make a passage of a usual length.
_SAID_TOGETHER = 6

# Texts that are compared before the clock runs: one piece of work for each process, and what a first one costs.
_WARMING = 24

# Seconds between two looks at the memory: each takes some ten microseconds a process.
_LOOKS_EVERY_S = 0.02


def run(role: Role, encoder: str | None) -> None:
    """Make ready, with ``encoder`` or none, ask everything at once, and note what that took."""
    asyncio.run(_measured(role, encoder))


async def _measured(role: Role, encoder: str | None) -> None:
    condition = role.spec.condition
    requests, texts = int(condition["requests"] or 0), int(condition["texts"] or 0)
    asked, warming = _requests(role.spec.seed, requests, texts)
    pattern = next(pattern for pattern in PATTERNS if pattern == role.spec.subject)
    # Nothing is asked twice here, so no pattern is helped by what it remembers.
    relevance = make_relevance(pattern, encoder, workers=int(condition["processors"] or 1), cache_bytes=0)
    began = time.perf_counter()
    await relevance.start()
    role.part.values["relevance_start_s"] = time.perf_counter() - began
    await relevance.scores(*warming)
    with _Peak(role.processes) as peak:
        async with LoopDelay() as delay:
            origin = time.perf_counter()
            rows = await asyncio.gather(*(_ask(relevance, question, its, origin) for question, its in asked))
        await asyncio.sleep(2 * _LOOKS_EVERY_S)  # after work that let no other thread look, one look at the least
    role.part.requests = rows
    role.part.loop_delay_s = delay.delays_s
    role.part.values |= {
        "relevance_peak_anonymous_bytes": peak.bytes,
        "relevance_processes": len(role.processes.pids()),
    }
    role.part.memory["ready"] = role.processes.sample()
    await asyncio.to_thread(role.outside_look)
    await relevance.close()


Asked = tuple[str, list[str]]
"""A question, and the texts that it is compared with."""


def _requests(seed: int, requests: int, texts: int) -> tuple[list[Asked], Asked]:
    """Return so many requests with so many texts each, none of them twice, and one more that nobody times."""
    said = vectors.texts(seed, _SAID_TOGETHER * (requests * texts + _WARMING))

    def request(count: int) -> Asked:
        pairs = list(islice(said, _SAID_TOGETHER * count))
        together = [pairs[start : start + _SAID_TOGETHER] for start in range(0, len(pairs), _SAID_TOGETHER)]
        return pairs[0][1], [" ".join(text for text, _ in some) for some in together]

    return [request(texts) for _ in range(requests)], request(_WARMING)


async def _ask(relevance: TextRelevance, question: str, texts: list[str], origin: float) -> RequestRow:
    started = time.perf_counter() - origin
    try:
        scores = await relevance.scores(question, texts)
        # The question says the same as one of the texts, so nothing in common with any of them would be no answer.
        outcome = "ok" if len(scores) == len(texts) and max(scores) > 0 else "no relevance"
    except FourgigError as error:
        outcome = type(error).__name__
    finished = time.perf_counter() - origin
    return RequestRow(
        intended_s=0.0,
        started_s=round(started, 6),
        first_token_s=None,
        finished_s=round(finished, 6),
        outcome=outcome,
    )


class _Peak:
    """While open, a thread looks again and again at the anonymous memory of all processes together.

    Each process's own is summed: these share none of it, for each began with a program of its own.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.bytes = 0

    def __enter__(self) -> _Peak:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOKS_EVERY_S):
            self._look()

    def _look(self) -> None:
        total = 0
        for pid in self._inside.pids():
            with suppress(OSError, KeyError):  # it has ended since
                total += memory.anonymous_bytes(pid)
        self.bytes = max(self.bytes, total)
