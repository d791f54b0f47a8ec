"""An agent with analyses that misbehave, some of them cancelled: ``python stormy.py PROGRAM SEED APART``."""

import asyncio
import random
import sys
from contextlib import suppress
from pathlib import Path

from systems.research.analysis.reports import RatedDocument
from systems.research.analysis.running import AnalysisInProcess

CALLS = 8
FUNCTIONS = (
    *("counts", "faults", "prints_without_end", "leaves_grandchild", "leaves_forks"),
    # Most are to be caught in the middle, with more than themselves to lose.
    *("hangs_with_grandchild", "hangs_with_daemon", "hangs_with_grandchild", "hangs_with_daemon", "hangs"),
)


async def main(program, seed, own_namespace):
    chance = random.Random(seed)
    documents = [RatedDocument(source=str(program.parent), title="", text="", relevance=0.0)]
    print("begun", flush=True)
    await asyncio.gather(*(call(program, documents, chance, own_namespace) for _ in range(CALLS)))


async def call(program, documents, chance, own_namespace):
    bounds = {"memory_bytes": 64 << 20, "output_bytes": 1 << 20, "own_namespace": own_namespace}
    analysis = AnalysisInProcess(program, chance.choice(FUNCTIONS), deadline_s=chance.uniform(0.5, 1.5), **bounds)
    task = asyncio.create_task(analysis.analyse(documents))
    if chance.random() < 0.3:
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def alone(program, function, own_namespace):
    """Make one call with all the time there is, and say why it failed."""
    bounds = {"memory_bytes": 64 << 20, "output_bytes": 1 << 20, "own_namespace": own_namespace}
    documents = [RatedDocument(source=str(program.parent), title="", text="", relevance=0.0)]
    analysis = AnalysisInProcess(program, function, deadline_s=600.0, **bounds)
    print(asyncio.run(analysis.analyse(documents)).reason, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "apart"))
