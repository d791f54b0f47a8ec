"""A system in a process of its own below the subject, behind a pipe: those of the lab as those of other interpreters.

What the lab itself does in the subject's process (it writes to the pipe, and reads from it) is the same for all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from experiments.measuring.probes import processes
from experiments.measuring.records import TrialSpec
from experiments.measuring.role import Role
from experiments.studies.subjects import described, make_system, settings_of
from experiments.workloads.endpoint.asked import MODEL, HeardCalls, url
from systems.elsewhere.system import Elsewhere
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.interface import System
from systems.server.hosting import Host, host

# As a string: what the far side imports is not to be imported on this one.
_OURS = {True: "experiments.studies.far_side:Blocking", False: "experiments.studies.far_side:Awaited"}


class Running(NamedTuple):
    """A running system, what is ``inside`` the trial's limits, and the processes that were there ``before`` it."""

    host: Host
    inside: processes.Inside
    before: frozenset[int]

    def pids(self) -> list[int]:
        """Return the system's processes, those too whose parents have left them."""
        return [pid for pid in self.inside.pids() if pid not in self.before]


def made(spec: TrialSpec, address: str, folder: Path) -> System:
    """Return the trial's system on the endpoint at ``address``, with its memory in ``folder``; not yet started.

    Raises `BadInput`.
    """
    description = described(spec)
    if description.interpreter is not None:
        return make_system(spec, OpenAIEngine(OpenAISettings(url=url(address), model=MODEL)), folder)
    told = {"system": spec.system, "settings": settings_of(spec, description)}
    return Elsewhere(told, url(address), folder, interpreter=sys.executable, implementation=_OURS[description.blocks])


@asynccontextmanager
async def running(role: Role, address: str, folder: Path) -> AsyncIterator[Running]:
    """Run the trial's system while the context is open; it starts on entering and is closed on leaving.

    Raises what `made` raises, `SystemFailed`, and `SystemClosed` on leaving where its process has ended by itself.
    """
    before = frozenset(role.processes.pids())
    async with host(made(role.spec, address, folder)) as hosted:
        yield Running(hosted, role.processes, before)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What processes hold together at one moment.

    ``rss_bytes`` is what each has resident, added up; ``anonymous_bytes`` their part that is no file, None where the
    kernel does not tell it. ``cpu_seconds`` is what they used so far, in hundredths.
    """

    rss_bytes: int
    anonymous_bytes: int | None
    cpu_seconds: float
    descriptors: int
    threads: int


def held(pids: Iterable[int]) -> Held:
    """Return what the processes ``pids`` hold now; those that have ended hold nothing."""
    alive = list(pids)
    uses = processes.uses(alive)
    return Held(
        rss_bytes=sum(use.rss_bytes for use in uses),
        anonymous_bytes=processes.together(use.anonymous_bytes for use in uses),
        cpu_seconds=sum(use.cpu_seconds for use in uses),
        descriptors=sum(_entries(pid, "fd") for pid in alive),
        threads=sum(_entries(pid, "task") for pid in alive),
    )


def _entries(pid: int, kind: str) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/{kind}"))  # noqa: PTH208 - how many is all that is needed
    except OSError:
        return 0


def disk_bytes(folder: Path) -> int:
    """Return what the files in ``folder`` hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def note_work(role: Role, told: Iterable[HeardCalls]) -> None:
    """Note what the model was made to do, by the names by which records count it around an engine."""
    everything = list(told)
    prompts = [prompt for each in everything for prompt in each.prompts if not prompt.refused]
    counters = {
        "engine_calls": len(prompts),
        "engine_prompt_tokens": sum(prompt.tokens for prompt in prompts),
        "engine_generated_tokens": sum(each.generated_tokens for each in everything),
    }
    if unplanned := sum(each.unplanned for each in everything):
        counters["unplanned_calls"] = unplanned
    role.part.counters |= counters
