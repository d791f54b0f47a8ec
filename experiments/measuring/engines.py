"""The engine of a trial: made for the process that asks it, or served from a process of its own inside the limits."""

from __future__ import annotations

from typing import Any

import msgspec

from experiments.measuring.records import EngineSpec, TrialSpec
from experiments.measuring.role import Role
from systems import registry
from systems.engines.interface import Engine
from systems.engines.scripted import Scripts
from systems.errors import BadInput
from systems.settings import names_of, nested

MODEL = "default"
"""The name by which an engine's process is asked for its model, whichever it is."""

CONTEXT_TOKENS = 2048
"""The context of every trial whose engine's settings name none: on every machine the same, whatever its memory."""

SEED = "sampling.seed"
"""The setting of engines that sample by which a trial is repeatable."""

CALIBRATE = "calibrate"
"""The setting by which an engine finds out for itself how it is fastest here."""

_SEEDS = 2**31

# More callers than any study has users: what waits must wait in the engine's queue, not at its door.
CONNECTIONS = 1024


def engine_of(spec: TrialSpec) -> EngineSpec:
    """Return which engine a trial uses. Raises `BadInput` if it names none."""
    if spec.engine is None:
        raise BadInput(f"The trial of {spec.subject} names no engine.")
    return spec.engine


def make(spec: EngineSpec, model_path: str | None, cpus: int, seed: int) -> Engine:
    """Return the engine a trial names, not yet loaded; chance in its words comes from ``seed``, the trial's.

    Raises `BadInput` for a setting that does not fit.
    """
    kind = registry.engines.get(spec.name)
    settings: dict[str, Any] = dict(spec.settings)
    fields = kind.Settings.__struct_fields__
    if "model_path" in fields:
        settings["model_path"] = model_path
    if "threads" in fields:
        settings.setdefault("threads", cpus)
    if "context_tokens" in fields:
        settings.setdefault("context_tokens", CONTEXT_TOKENS)
    if CALIBRATE in fields:  # a trial would measure that; what its run chose stands in the settings
        settings[CALIBRATE] = False
    if SEED in names_of(kind.Settings):
        settings.setdefault(SEED, seed % _SEEDS)
    return kind(settings_of(kind.Settings, settings, f"engine {spec.name}"))


def of_role(role: Role) -> Engine:
    """Return the engine that a subject asks: its own, or one that asks the engine's process."""
    if role.engine_address:
        from systems.engines.openai import OpenAIEngine, OpenAISettings  # an HTTP client, which no other trial needs

        return OpenAIEngine(OpenAISettings(url=f"http://{role.engine_address}/v1", model=MODEL, requests=CONNECTIONS))
    return make(engine_of(role.spec), role.model_path, role.spec.profile.cpus, role.spec.seed)


def seen(scripts: Scripts) -> dict[str, int]:
    """Return, by the names that records use, what ``scripts`` saw of the engine that they were put around.

    ``engine_calls``, ``engine_prompt_tokens`` and ``engine_generated_tokens`` are what it did, ``unplanned_calls`` the
    calls that no script foresaw, if there were any.
    """
    counters = {"unplanned_calls": scripts.unplanned} if scripts.unplanned else {}
    if scripts.work is not None:
        counters |= {f"engine_{name}": count for name, count in msgspec.structs.asdict(scripts.work).items()}
    return counters


def settings_of(kind: type[msgspec.Struct], values: dict[str, Any], whose: str) -> msgspec.Struct:
    """Return ``values`` as settings of ``kind``. Raises `BadInput`, naming what does not fit."""
    try:
        return msgspec.convert(nested(kind, values), kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"A setting of the {whose} does not fit: {error}.") from error
