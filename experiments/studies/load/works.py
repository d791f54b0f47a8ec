"""What a condition of the load study is made of: the work that a generation is, the subjects, and the cells of both."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.study import Cell
from experiments.studies.load.users import PATIENCE_S
from systems import registry

# Sixty-four sleeps of the published simulation may overlap.
_SLEEPS = 64

# An engine that, like llama.cpp's, serves one call at a time, but quickly: what the agent itself costs is then no
# longer lost beside it. A reply has 24 tokens.
_PREFILL_S, _TOKEN_S = 0.005, 0.0005

SERIAL_S = _PREFILL_S + 23 * _TOKEN_S
"""How long a reply of the serial simulation takes, in seconds."""

# Longest a trial may take: a system that stalls must not hold up the run for hours.
_LONGEST_S = 840.0


class WorkKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation is; ``start_s`` and ``reply_s`` estimate a trial's fixed and a request's own seconds."""

    name: str
    part: str
    engine: EngineSpec
    factors: dict[str, Scalar] = {}
    labels: tuple[str, ...] = ()
    start_s: float = 2.5
    reply_s: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared inside a condition: a system, in one of its variants.

    ``engine`` is its own, in place of the work's; ``faster`` estimates how many times as fast as on the work's engine
    its replies come there.
    """

    name: str
    system: str
    variant: str = ""
    in_loop: bool = False
    settings: dict[str, Scalar] = {}
    engine: EngineSpec | None = None
    faster: float = 1.0

    @property
    def blocks(self) -> bool:
        """Whether its system blocks."""
        return registry.systems.get(self.system).blocks


def inference(engine: EngineSpec) -> WorkKind:
    """Return the work of the engine of record."""
    real = registry.engines.get(engine.name).runs_a_model
    label = f"engine {engine.name}: delays are simulated, no model ran"
    return WorkKind(
        name="inference",
        part="inference",
        engine=engine,
        labels=() if real else (label,),
        start_s=4.0,
        reply_s=0.5,
    )


def serial_simulation() -> WorkKind:
    """Return the simulated engine that serves one call at a time."""
    return WorkKind(
        name="serial simulation",
        part="serial-simulation",
        engine=_simulated(first_token_s=_PREFILL_S, token_s=_TOKEN_S, slots=1),
        labels=(
            f"simulated engine: one reply at a time, {_PREFILL_S * 1000:g} ms for the prompt and "
            f"{_TOKEN_S * 1000:g} ms a token, no model ran",
        ),
        reply_s=SERIAL_S + 0.006,
    )


def sleep(seconds: float) -> WorkKind:
    """Return the published simulation with sleeps of this length."""
    label = f"simulated engine: a sleep of {seconds * 1000:.0f} ms a reply, no model ran, nothing can fail"
    return WorkKind(
        name="simulation",
        part="sleeps",
        factors={"sleep_ms": round(seconds * 1000)},
        engine=_simulated(first_token_s=seconds, token_s=0.0, slots=_SLEEPS),
        labels=(label,),
        reply_s=seconds + 0.006,
    )


def closed(users: int, turns: int, **more: Scalar) -> dict[str, Scalar]:
    """Return the condition of users who ask the next question when the last one is answered."""
    return {"users": users, "turns": turns, "arrivals": "closed", **more}


def cells(
    work: WorkKind,
    condition: dict[str, Scalar],
    subjects: Sequence[Subject],
    *,
    part: str | None = None,
    labels: tuple[str, ...] = (),
    blocks: int | None = None,
    spread_s: float = 0.0,
) -> list[Cell]:
    """Return a cell a subject, of the part that the work makes if none is named.

    ``spread_s`` is how long the workload takes where replies take no time.
    """
    asked_each = int(condition.get("turns") or -(-int(condition["requests"] or 0) // int(condition["users"] or 1)))
    requests = int(condition.get("requests") or int(condition["users"] or 0) * asked_each)
    return [
        Cell(
            part=part or work.part,
            condition={"work": work.name, **work.factors, **condition},
            subject=subject.name,
            system=subject.system,
            variant=subject.variant,
            hosting=("in-loop" if subject.in_loop else "alone") if subject.blocks else None,
            settings=subject.settings,
            engine=subject.engine or work.engine,
            blocks=blocks,
            labels=(*work.labels, *labels),
            estimate_s=round(work.start_s + max(spread_s, requests * _each_s(work, subject, asked_each)), 1),
            timeout_s=min(_LONGEST_S, 60 + spread_s + 2 * asked_each * PATIENCE_S),
        )
        for subject in subjects
    ]


def _each_s(work: WorkKind, subject: Subject, turns: int) -> float:
    if int(work.engine.settings.get("slots") or 1) > 1 and not subject.blocks:
        return 0.004
    # Prompts grow with the history, and prompts of a real model take time.
    return work.reply_s / subject.faster * (min(2.0, 0.7 + 0.3 * turns) if work.name == "inference" else 1.0)


def _simulated(**settings: Scalar) -> EngineSpec:
    return EngineSpec(name="simulated", settings=settings)
