"""What a conversation takes in each tier, in bytes and until it is there again, beside the hot one.

    python -m tests.benchmarks.tiers [CONVERSATIONS] [EXCHANGES]

``CONVERSATIONS`` (300) of ``EXCHANGES`` (10) each, in common English words drawn by Zipf's law. Each tier is filled,
and each conversation fetched once, in another order; the median is told. Bytes are those of the texts as objects (hot),
of what is packed with its place (warm), of the file's pages in use (cold), and of the bundles, which hold the turns too
(frozen, in a folder). The time of a tier in an object store is that store's.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from systems.memory.schema import SavedTurn
from systems.tiered.tiers.tiers import Tiers
from systems.turn.history import Exchange, Histories, keep_newest
from tests.systems.tiered.tiers.placing import Place

WORDS = Path("systems/models/english.txt").read_text().split()
WEIGHTS = [1 / place for place in range(1, len(WORDS) + 1)]


def main() -> None:
    """Measure and print."""
    number, length = (int(given) for given in (sys.argv[1:] + ["300", "10"][len(sys.argv) - 1 :]))
    rng = random.Random(7)
    said = {f"session {each}": [exchange(rng) for _ in range(length)] for each in range(number)}
    for title, size, seconds in asyncio.run(measured(said)):
        if title == "hot":
            hot = size, seconds
        print(
            f"{title:24}{size / 1024:8.2f} KiB ({size / hot[0]:.2f} of hot) {seconds * 1e6:10.1f} µs "
            f"({seconds / hot[1]:,.0f} times hot)"
        )


def exchange(rng: random.Random) -> Exchange:
    """Return some words as a question, with a note in what was sent, and as an answer."""
    question, note, answer = (" ".join(rng.choices(WORDS, WEIGHTS, k=count)) for count in (25, 25, 60))
    return Exchange(question, answer, False, f"{note}\n\n{question}")


async def measured(said: dict[str, list[Exchange]]) -> list[tuple[str, float, float]]:
    """Return of each tier its name, the bytes of a conversation, and the median of the seconds to have one."""
    histories = Histories(1000, len(said), keep_newest)
    for talk, exchanges in said.items():
        histories.replace(talk, exchanges)
    taken = []
    for talk in said:
        begun = time.perf_counter()
        histories.exchanges(talk)
        taken.append(time.perf_counter() - begun)
    found = [("hot", histories.bytes / len(said), statistics.median(taken))]
    for dictionary in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            async with place.opened(dictionary=dictionary, warm_bytes=1 << 30, freeze_after_s=3600.0) as tiers:
                ending = ", with a dictionary" if dictionary else ""
                for talk, exchanges in said.items():
                    await tiers.store.save(
                        [SavedTurn(session=talk, question=each.question, answer=each.answer) for each in exchanges]
                    )
                    tiers.leave_hot(talk, exchanges)
                await cooled(tiers)  # and a dictionary is made of it
                await fetched(tiers, said)
                for talk, exchanges in said.items():
                    tiers.leave_hot(talk, exchanges)
                await cooled(tiers)
                size = tiers.sizes()["cold"].bytes / len(said)
                found.append(("cold" + ending, size, await fetched(tiers, said)))
                for talk, exchanges in said.items():
                    tiers.leave_hot(talk, exchanges)
                size = tiers.sizes()["warm"].bytes / len(said)
                found.insert(-1, ("warm" + ending, size, await fetched(tiers, said)))
                if not dictionary:
                    for talk, exchanges in said.items():
                        tiers.leave_hot(talk, exchanges)
                        assert await tiers.freeze(talk)
                    size = tiers.sizes()["frozen"].bytes / len(said)
                    frozen = ("frozen, with its turns", size, await fetched(tiers, said))
    return [*found, frozen]


async def cooled(tiers: Tiers) -> None:
    """Let all be cold."""
    tiers.trim(3)
    await tiers.moved()
    await tiers.moved()
    tiers.trim(0)


async def fetched(tiers: Tiers, said: dict[str, list[Exchange]]) -> float:
    """Fetch every conversation; return the median of the seconds that took."""
    talks = list(said)
    random.Random(3).shuffle(talks)
    taken = []
    for talk in talks:
        found = await tiers.fetch(talk)
        assert found is not None
        assert list(found.exchanges) == said[talk]
        taken.append(found.seconds)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
