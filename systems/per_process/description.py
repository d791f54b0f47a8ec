"""What the agents that have a process each say of themselves."""

from __future__ import annotations

from systems.description import Description
from systems.per_process.settings import PerProcessSettings
from systems.settings import HISTORY_LIMIT

DESCRIPTION = Description(
    name="per-process",
    summary="A process for each session, with an interpreter and an engine of its own; only mapped files are shared.",
    implementation="systems.per_process.agent:PerProcess",
    settings=PerProcessSettings,
    blocks=False,
    variants={
        "history": {"unpruned": {"history_length": HISTORY_LIMIT}},
        "cache": {"none": {"cache_capacity": 0}},
    },
    fills="systems.memory.filling:fill",
)
