"""What tests that run a study's trials in their own process share: a role without a runner, and a record's measures."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from experiments import metrics
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.looks import Look
from experiments.measuring.probes import processes
from experiments.measuring.records import Record, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.metrics.interface import Missing


class Alone(Role):
    """A role that nobody started: it looks at itself and at what it started. ``assigned`` is what else it is told."""

    def __init__(self, spec: TrialSpec, work_dir: Path, **assigned: Any) -> None:
        self.assigned: dict[str, Any] = {"spec": spec, "work_dir": str(work_dir), "part_path": "", "cpus": ()}
        self.assigned |= {"runner_pid": os.getpid(), **assigned}
        super().__init__(Assignment(role="subject", **self.assigned), -1)
        self.looks: dict[str, Look] = {}

    def outside_look(self, name: str = "end") -> None:
        uses = processes.uses(processes.descendants(os.getpid()))
        self.looks[name] = Look(
            at_s=time.monotonic(),
            counted="tree",
            memory=GroupMemory(),
            cpu_seconds=time.process_time() + processes.waited_for_seconds() + sum(use.cpu_seconds for use in uses),
            tree_pss_bytes=0,
            tree_rss_bytes=0,
            processes=uses,
        )


def value(metric: str, record: Record) -> float:
    """Return a metric that the record has."""
    found = metrics.get(metric).of(record)
    assert not isinstance(found, Missing), (metric, found.reason)
    return found
