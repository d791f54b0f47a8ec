"""What batching buys: the batched engine beside the serial one, on the same conversations, in one run.

    python -m tests.benchmarks.batching [--model 135m] [--users 50] [--turns 3] [--system 200] [--new 40] [--out 32]
                                        [--history 0] [--blocks 3] [--set NAME=VALUE ...]

Every user asks ``turns`` questions, one after another; all users begin at once. Prompts hold a shared system prompt of
``system`` tokens and about ``history`` tokens of earlier conversation that is the user's own; every question brings
about ``new`` tokens, every reply is ``out`` scripted ones. Each engine runs in a fresh process, the two alternate in
blocks, each in a control group of its own. Reported: requests a second, latency from the question on, time to the first
token of second and later turns, and the group's own count of the most memory it held, mapped model included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from experiments.measuring import profiles
from experiments.measuring.limits.select import choose
from systems import registry
from systems.engines.interface import Call, Engine, Generation, Message
from systems.models.find import resolve
from tests.benchmarks.conversations import Load

ENGINES = ("llama", "batched")


class TooSlow(Exception):
    """Raised where it was not done within the time that was left to it."""


class OtherWork(Exception):
    """Raised where replies are not as long as they are to be: what took less is then not faster."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in tokens: ``first_tokens`` are those of first prompts, which do not depend on any reply."""

    requests: int
    first_tokens: int
    prompt_tokens: int
    reused_tokens: int
    generated_tokens: int

    @property
    def computed_tokens(self) -> int:
        """Tokens that went through the model: of prompts what was not reused, and each that was generated."""
        return self.prompt_tokens - self.reused_tokens + self.generated_tokens


def measure(
    engine: Engine, load: Load, *, verbose: bool = False, limit_s: float | None = None
) -> tuple[dict[str, float], Work]:
    """Return requests a second and percentiles in seconds, and the work.

    Raises `TooSlow` after ``limit_s``, `OtherWork`, and what the engine raises.
    """
    engine.load()
    conversations = list(load.conversations())
    waits: list[tuple[int, float, Generation]] = []
    until = float("inf")

    def check() -> None:
        if perf_counter() > until:
            raise TooSlow

    with ThreadPoolExecutor(load.users) as threads:
        warm = [conversations[0].begun[0], Message("user", "warm up")]
        threads.submit(engine.generate, Call(messages=warm, max_tokens=4)).result()

        async def ask(name: str, history: list[Message], turns: list[tuple[str, str]]) -> None:
            loop = asyncio.get_running_loop()
            for turn, (question, reply) in enumerate(turns):
                history.append(Message("user", question))
                asked = perf_counter()
                call = Call(messages=history, max_tokens=load.out, script=reply, conversation=name, check=check)
                found = await loop.run_in_executor(threads, engine.generate, call)
                waits.append((turn, perf_counter() - asked, found))
                history.append(Message("assistant", found.text))

        async def run() -> float:
            began = perf_counter()
            await asyncio.gather(*(ask(*each) for each in conversations))
            return perf_counter() - began

        if limit_s is not None:
            until = perf_counter() + limit_s
        took = asyncio.run(run())
    seconds = np.array([wait for _, wait, _ in waits])
    later = [found.first_token_s for turn, _, found in waits if turn > 0]
    if any(found.generated_tokens != load.out for _, _, found in waits):
        raise OtherWork(f"Not every reply has {load.out} tokens.")
    counted = getattr(engine, "counters", None)
    if counted is not None and verbose:
        print(counted(), file=sys.stderr)
    engine.close()
    work = Work(
        requests=len(waits),
        first_tokens=sum(found.prompt_tokens for turn, _, found in waits if turn == 0),
        prompt_tokens=sum(found.prompt_tokens for _, _, found in waits),
        reused_tokens=sum(found.reused_tokens for _, _, found in waits),
        generated_tokens=sum(found.generated_tokens for _, _, found in waits),
    )
    return {
        "requests_per_s": work.requests / took,
        "p50_s": float(np.percentile(seconds, 50)),
        "p95_s": float(np.percentile(seconds, 95)),
        "first_token_later_p50_s": median(later) if later else float("nan"),
        "prompt_tokens": work.prompt_tokens / work.requests,
        "reused": float(np.mean([found.reused_tokens / found.prompt_tokens for _, _, found in waits])),
    }, work


def _engine(name: str, given: argparse.Namespace) -> Engine:
    kind = registry.engines.get(name)
    settings: dict[str, Any] = {"model_path": str(resolve(given.model).path), "context_tokens": given.context}
    for item in given.set if name == "batched" else []:
        key, _, value = item.partition("=")
        settings[key] = value
    return kind(msgspec.convert(settings, kind.Settings, strict=False))


def _arguments(page: str | None) -> argparse.ArgumentParser:
    """Return what says which conversations there are."""
    parser = argparse.ArgumentParser(description=(page or "").split("\n", 1)[0])
    for field in msgspec.structs.fields(Load):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--model", default="135m")
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--verbose", action="store_true")
    return parser


def main() -> None:
    """Measure one engine, as a child; or both, in blocks."""
    parser = _arguments(__doc__)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of the batched engine")
    parser.add_argument("--profile", default="4gb", help="the limits each engine is measured in, where they can be set")
    parser.add_argument("--engine", choices=ENGINES, help="measure this one, in this process")
    given = parser.parse_args()
    if given.engine:
        load = msgspec.convert(vars(given), Load)
        figures, _ = measure(_engine(given.engine, given), load, verbose=given.verbose)
        print(json.dumps(figures))
        return
    ratios: dict[str, list[float]] = {}
    profile = profiles.load(given.profile)
    with closing(choose(profile, allow_unenforced=True).open_run(f"batching-{os.getpid()}", profile)) as limits:
        for block in range(given.blocks):
            found = {}
            for name in ENGINES[:: 1 if block % 2 == 0 else -1]:
                group = limits.trial(f"{name}-{block}")
                command = [sys.executable, "-m", "tests.benchmarks.batching", *sys.argv[1:], "--engine", name]
                done = subprocess.run(group.command(command), check=True, stdout=subprocess.PIPE, text=True)
                peak = group.memory().peak_bytes
                found[name] = json.loads(done.stdout) | {"peak_mib": float("nan") if peak is None else peak / 2**20}
                group.remove()
                print(name.ljust(8), "  ".join(f"{key} {value:.4g}" for key, value in found[name].items()), flush=True)
            for key in found["llama"]:
                ratios.setdefault(key, []).append(found["batched"][key] / found["llama"][key])
    for key, values in ratios.items():
        print(f"{key:24s} × {median(values):.2f} ({min(values):.2f} … {max(values):.2f})")


if __name__ == "__main__":
    main()
