"""Looking at a trial from outside: its group where it has one of its own, else the tree of its processes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from experiments.measuring.limits.interface import TrialGroup
from experiments.measuring.looks import Look
from experiments.measuring.probes import processes


def look(group: TrialGroup, started: Sequence[int]) -> Look:
    """Return what the trial's processes hold and used so far; ``started`` were started inside the limits."""
    at_s = time.monotonic()
    held, cpu_seconds = group.memory(), group.cpu_seconds()
    pids = (
        group.pids()
        if group.is_apart
        else [*started, *(pid for root in started for pid in processes.descendants(root))]
    )
    uses = processes.uses(pids)
    return Look(
        at_s=at_s,
        counted="group" if group.is_apart else "tree",
        memory=held,
        cpu_seconds=cpu_seconds if group.is_apart else sum(processes.cpu_seconds(pid) for pid in pids),
        tree_pss_bytes=sum(use.pss_bytes for use in uses),
        tree_rss_bytes=sum(use.rss_bytes for use in uses),
        processes=uses,
    )
