"""What the agents whose states are objects of one process say of themselves."""

from __future__ import annotations

from systems.description import Description
from systems.objects.settings import ObjectsSettings

DESCRIPTION = Description(
    name="objects",
    summary="One process, one shared engine, full histories as Python objects, and a whole snapshot of a state a step.",
    implementation="systems.objects.agent:Objects",
    settings=ObjectsSettings,
    blocks=True,
    variants={
        "history": {"unpruned": {}},
        "cache": {"none": {"cache_capacity": 0}},
    },
    fills="systems.memory.filling:fill",
)
