"""What prompts that only grow bring: the agent on the batched engine with them and without, on the same conversations.

    python -m tests.benchmarks.growing [--model 135m] [--users 10] [--turns 8] [--blocks 3] [--history 10] [--told 20]
                                       [--answers]

Every user of the load study asks ``turns`` questions, one after another; all begin at once. Replies are as scripted, so
both agents do the same work. Each user told something before, ``told`` sentences like the questions, which the agent
finds again for its notes. Nothing is cached. The two alternate in blocks, each in a fresh process. Reported: requests a
second, prompt tokens, those of them that the engine had computed before, median seconds to the first token of second
and later turns, and the ratio of the two by block. With ``--answers`` a real model says by itself what it will to
everyday messages (`tests.benchmarks.everyday`, both splits, greedily), and right replies are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from experiments.grading.everyday import grade
from experiments.studies.subjects import REPLY_TOKENS, planned
from experiments.workloads.conversations import conversations
from experiments.workloads.everyday import read
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Engine
from systems.engines.scripted import Scripts, scripted
from systems.interface import Counters, Reply, Request
from systems.memory.filling import fill
from systems.models.find import resolve
from tests.benchmarks.everyday import CONVERSATIONS, SAMPLINGS

WAYS = {"bare": False, "growing": True}
CONTEXT_TOKENS, ANSWER_TOKENS = 2048, 24


async def _asked(
    engine: Engine, settings: AsynchronousSettings, folder: Path, asked: dict[str, list[Request]]
) -> tuple[list[list[Reply]], Counters, float]:
    """Return the replies to every session, what was counted, and how many seconds it took."""
    agent = Asynchronous(settings, engine, folder)
    await agent.start()
    try:
        await agent.answer(Request(id="warm-up", session="warm-up", text="Hello!", max_tokens=2))
        before = agent.counters()

        async def one(requests: Sequence[Request]) -> list[Reply]:
            return [await agent.answer(request) for request in requests]

        began = perf_counter()
        replies = await asyncio.gather(*map(one, asked.values()))
        took = perf_counter() - began
        after = agent.counters()
        after.prompt_tokens -= before.prompt_tokens
        after.reused_tokens -= before.reused_tokens
        return list(replies), after, took
    finally:
        await agent.close()


def _settings(way: str, given: argparse.Namespace) -> AsynchronousSettings:
    return AsynchronousSettings(growing_prompts=WAYS[way], history_length=given.history, cache_capacity=0)


def _statement(question: str) -> str:
    """Return what ``question`` begins with, which asks for nothing."""
    return re.split("[;?,，？。]", question)[0] + "."


def measure(way: str, given: argparse.Namespace) -> dict[str, float]:
    """Return what the agent does in one ``way``."""
    drawn = conversations(1, given.users, given.turns)
    turns = {f"user-{user}": turns for user, turns in enumerate(drawn)}
    asked = {
        session: [
            Request(
                id=f"{session}-{number}",
                session=session,
                text=turn.text,
                max_tokens=REPLY_TOKENS,
                observed=turn.observed,
            )
            for number, turn in enumerate(of)
        ]
        for session, of in turns.items()
    }
    path = str(resolve(given.model).path)
    engine = scripted(
        BatchedEngine(BatchedSettings(model_path=path, context_tokens=CONTEXT_TOKENS)), Scripts(planned(turns))
    )
    with tempfile.TemporaryDirectory() as folder:
        for session, of in zip(turns, conversations(2, given.users, given.told), strict=True):
            fill(Path(folder), session, [_statement(turn.text) for turn in of])
        replies, counted, took = asyncio.run(_asked(engine, _settings(way, given), Path(folder), asked))
    later = [reply.first_token_s for of in replies for reply in of[1:] if reply.first_token_s is not None]
    requests = given.users * given.turns
    return {
        "requests_per_s": requests / took,
        "prompt_tokens": counted.prompt_tokens / requests,
        "computed_tokens": (counted.prompt_tokens - counted.reused_tokens) / requests,
        "reused": counted.reused_tokens / counted.prompt_tokens,
        "first_token_later_p50_s": median(later) if later else float("nan"),
    }


def answered(way: str, given: argparse.Namespace) -> dict[str, float]:
    """Return how many everyday messages of both splits are answered right in one ``way``."""
    found = {"right": 0.0, "asked": 0.0, "reused": 0.0}
    prompt_tokens = 0
    for split in ("settled", "held-out"):
        talks = read(CONVERSATIONS / f"{split}.json")
        asked = {
            talk.name: [
                Request(id=turn.say, session=talk.name, text=turn.say, max_tokens=ANSWER_TOKENS) for turn in talk.turns
            ]
            for talk in talks
        }
        settings = BatchedSettings(
            model_path=str(resolve(given.model).path), slots=len(talks), sampling=SAMPLINGS["greedy"]
        )
        with tempfile.TemporaryDirectory() as folder:
            for talk in talks:
                fill(Path(folder), talk.name, talk.before)
            replies, counted, _ = asyncio.run(
                _asked(BatchedEngine(settings), _settings(way, given), Path(folder), asked)
            )
        grades = [
            one for talk, of in zip(talks, replies, strict=True) for one in grade(talk, [reply.text for reply in of])
        ]
        found["right"] += sum(one.right for one in grades)
        found["asked"] += len(grades)
        found["reused"] += counted.reused_tokens
        prompt_tokens += counted.prompt_tokens
    return {**found, "reused": found["reused"] / prompt_tokens}


def main() -> None:
    """Measure one way, as a child; or both, in blocks."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growing")
    parser.add_argument("--model", default="135m")
    for name, default in (("users", 10), ("turns", 8), ("blocks", 3), ("history", 10), ("told", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--answers", action="store_true", help="grade what a real model says by itself")
    parser.add_argument("--way", choices=WAYS, help="measure this one, in this process")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(answered(given.way, given) if given.answers else measure(given.way, given)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for block in range(1 if given.answers else given.blocks):
        for way in [*WAYS][:: 1 if block % 2 == 0 else -1]:
            command = [sys.executable, "-m", "tests.benchmarks.growing", *sys.argv[1:], "--way", way]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[way].append(json.loads(done.stdout))
            print(way.ljust(8), "  ".join(f"{key} {value:.4g}" for key, value in found[way][-1].items()), flush=True)
    for key in found["bare"][0] if not given.answers else ():
        ratios = [ours[key] / theirs[key] for ours, theirs in zip(found["growing"], found["bare"], strict=True)]
        print(f"{key:24s} × {median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})")


if __name__ == "__main__":
    main()
