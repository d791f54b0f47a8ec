"""How much of what a question asks is in each of some texts, made wherever a setting says."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Literal

from systems.mechanisms.admission import Admission
from systems.research.embedding.known import KnownVectors
from systems.research.embedding.pool import InProcesses
from systems.research.embedding.shared import InSharedProcess
from systems.research.embedding.work import EmbeddingWork, OverlapWork, RelevanceWork
from systems.research.embedding.workplace import InLoop, OnThread, Workplace

RelevancePattern = Literal["in-loop", "thread", "processes", "shared"]

PATTERNS: MappingProxyType[RelevancePattern, Callable[[str | None, int], Workplace]] = MappingProxyType(
    {"in-loop": InLoop, "thread": OnThread, "processes": InProcesses, "shared": InSharedProcess}
)
"""What makes each pattern of an encoder and of how many processors it may use. The first is the traditional way."""

MOST_REQUESTS = 64
"""Requests that may wait for their relevance or have it made; one more is refused."""

CACHE_BYTES = 16 << 20
"""Of vectors of passages: some nine thousand of MiniLM's."""

# Texts of one piece of work. What was begun for somebody who left is done to its end, and takes a place until then:
# eight passages take two processors some tenths of a second.
_PIECE = 8


class TextRelevance:
    """Compares texts with questions, in one workplace; used from one event loop.

    ``encodes`` says whether that has an encoder: vectors are compared then, those of at most ``cache_bytes`` of texts
    being remembered, and else the terms of question and text. At most ``most_requests`` are in here at once.
    """

    def __init__(
        self,
        workplace: Workplace,
        *,
        encodes: bool,
        most_requests: int = MOST_REQUESTS,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._workplace = workplace
        self._encodes = encodes
        self._admission = Admission(most_requests, 0)
        self._known = KnownVectors(cache_bytes)

    async def start(self) -> None:
        """Make ready what the first request would have to wait for: processes, the encoder. Raises as `scores`."""
        await self._workplace.start()

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how relevant each of ``texts`` is to ``question``, from 0 (not at all) to 1, in their order.

        Cancelling gives up what was not begun yet. Raises `Refused` where too many ask, `EngineBusy` where a process
        ended meanwhile (asking again has a new one), `EngineError`, `ModelError`, `BadInput` or `CannotWrite` for an
        encoder that cannot be had, and `SystemClosed`.
        """
        if not texts:
            return []
        question, texts = _encodable(question), [_encodable(text) for text in texts]
        async with self._admission.turn():
            if self._encodes:
                return await self._similarities(question, texts)
            # In one piece: how much a term weighs depends on all of the texts.
            return _numbers(await self._workplace.do(OverlapWork(question, texts)))

    async def close(self) -> None:
        """End every process and thread that was started. Requests that are not done are told `SystemClosed`."""
        await self._workplace.close()

    async def _similarities(self, question: str, texts: list[str]) -> list[float]:
        vectors = {text: vector for text in texts if (vector := self._known.get(text)) is not None}
        pieces = list(_pieces([text for text in dict.fromkeys(texts) if text not in vectors]))
        works = [EmbeddingWork("query", [question]), *(EmbeddingWork("passage", piece) for piece in pieces)]
        asked, *made = await self._all(works)
        for piece, numbers in zip(pieces, made, strict=True):
            width = len(numbers) // len(piece)
            for place, text in enumerate(piece):
                vectors[text] = numbers[place * width : (place + 1) * width]
                self._known.put(text, vectors[text])
        return _cosines(asked, [vectors[text] for text in texts])

    async def _all(self, works: Sequence[RelevanceWork]) -> list[bytes]:
        """Return what comes of each of ``works``: as many are asked for at once as can be done, so others come between.

        One that fails ends the others.
        """
        done = [b""] * len(works)
        waiting = iter(enumerate(works))

        async def lane() -> None:
            for place, work in waiting:
                done[place] = await self._workplace.do(work)

        lanes = min(self._workplace.lanes, len(works))
        if lanes == 1:
            await lane()  # not as a task: what is done in the loop is done without a pause
            return done
        tasks = [asyncio.create_task(lane()) for _ in range(lanes)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return done


def make_relevance(
    pattern: RelevancePattern,
    encoder_name: str | None,
    *,
    workers: int,
    most_requests: int = MOST_REQUESTS,
    cache_bytes: int = CACHE_BYTES,
) -> TextRelevance:
    """Return what makes relevance in one of the `PATTERNS`; nothing is started or loaded yet.

    ``encoder_name`` is that of a published embedding model or the path of one; None: texts are compared by their terms.
    ``workers`` is how many processors it may use: in "processes" as many processes with an encoder of one thread each,
    in every other pattern one encoder with as many threads.
    """
    workplace = PATTERNS[pattern](encoder_name, workers)
    return TextRelevance(
        workplace, encodes=encoder_name is not None, most_requests=most_requests, cache_bytes=cache_bytes
    )


def _encodable(text: str) -> str:
    """Return ``text`` without halves of characters, which no model reads and no pipe takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _pieces(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _PIECE):
        yield list(texts[start : start + _PIECE])


def _numbers(data: bytes) -> list[float]:
    numbers = array("f")
    numbers.frombytes(data)
    return numbers.tolist()


def _cosines(asked: bytes, vectors: Sequence[bytes]) -> list[float]:
    """Return the cosine of each of ``vectors``, which have length 1, with the one ``asked``; less than 0 is 0."""
    import numpy as np  # who has no encoder needs none

    rows = np.frombuffer(b"".join(vectors), np.float32).reshape(len(vectors), -1)
    cosines: list[float] = (rows @ np.frombuffer(asked, np.float32)).clip(0.0, 1.0).tolist()
    return cosines
