"""The systems of the load study on the batched engine: as it comes, and step by step from the serial one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.measuring.records import EngineSpec, Scalar
from experiments.studies.load.works import Subject
from experiments.studies.subjects import batched
from systems.description import Description

# How many times as fast as on the serial engine replies come to users who ask at once; for estimates.
_FASTER = 2.0


class Step(NamedTuple):
    """A step of the engine's ladder: what the batched engine is set to, and which cache the agent has.

    ``faster`` estimates how many times as fast as on the serial engine replies come there.
    """

    engine: str
    variant: str
    faster: float
    settings: Mapping[str, Scalar]
    cache: str = "none"


STEPS = (
    Step("batched-one-slot", "one-slot", 0.5, {"slots": 1, "share_prefixes": False, "keep_states": False}),
    Step("batched", "batching", 1.0, {"share_prefixes": False, "keep_states": False}),
    Step("batched+prefixes", "prefixes", 1.0, {"keep_states": False}),
    Step("batched+prefixes+states", "states", 1.6, {}),
    Step("batched+prefixes+states+cache", "cache", 2.5, {}, cache="question"),
)
"""Each adds to the one before it: one call at a time, many in one batch, shared beginnings, kept states, a cache."""

WHOLE = "batched+prefixes+states"
"""The batched engine as it comes, without a response cache: the step that also the systems that block are on."""


def on_batched(systems: Sequence[Description], serial: EngineSpec) -> list[Subject]:
    """Return the systems as they come on the batched engine, with the model of ``serial``; none if that is another."""
    engine = batched(serial)
    if engine is None:
        return []
    return [
        Subject(
            name=f"{system.name}-batched",
            system=system.name,
            variant="batched",
            engine=engine,
            faster=1.0 if system.blocks else _FASTER,
        )
        for system in systems
    ]


def steps(systems: Sequence[Description], serial: EngineSpec) -> list[Subject]:
    """Return the engine's ladder: the systems on the serial engine, then what the batched one does, step by step.

    A system that blocks asks for one reply at a time on every engine: it is on the first and on the whole one alone.
    Empty unless ``serial`` is the serial engine, whose model the steps above it use, and a system can climb.
    """
    climbing = [system for system in systems if not system.blocks and _caches(system)]
    if batched(serial) is None or not climbing:
        return []
    return [
        *(
            Subject(name=f"{system.name} on serial", system=system.name, variant="serial", settings=_cached(system))
            for system in systems
        ),
        *(_on(system, step, serial) for system in climbing for step in STEPS),
        *(_on(system, step, serial) for system in systems if system.blocks for step in STEPS if step.engine == WHOLE),
    ]


def _on(system: Description, step: Step, serial: EngineSpec) -> Subject:
    return Subject(
        name=f"{system.name} on {step.engine}",
        system=system.name,
        variant=step.variant,
        settings=_cached(system, step.cache),
        engine=batched(serial, **step.settings),
        faster=1.0 if system.blocks else step.faster,
    )


def _cached(system: Description, cache: str = "none") -> dict[str, Scalar]:
    return dict(system.varied("cache").get(cache, {}))


def _caches(system: Description) -> bool:
    return {"none", "question"} <= system.varied("cache").keys()
