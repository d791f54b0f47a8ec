"""What fits: one question to a model of each size under each limit, and what came of it in the time allowed.

A trial loads the model, asks a prompt of about 100 tokens and lets it generate `REPLY_TOKENS`. Where the limit makes it
read the model again for every token that can take hours, so after ``patience_s`` it is given up, and what was reached
by then is the result. `experiments.metrics.generation` states what passes as usable.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from experiments.measuring import engines
from experiments.measuring.probes import disk
from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from systems.engines.interface import Call, Generation, Message
from systems.errors import BadInput

REPLY_TOKENS = 16
PATIENCE_S = 60.0
CONTEXT_TOKENS = 256
"""Room for the question and the reply, and little more: keys and values must not be what does not fit."""

_PROMPT = (
    "My neighbour wants to give away an old laptop with two processor cores and four gigabytes of memory. I would like "
    "to use it at home, without a connection to the network, to answer letters, to keep a diary and to look things up "
    "in my own notes. Please tell me in a few plain sentences what such a machine can still do well, what it cannot "
    "do, and what I should change before I begin, so that it stays quick for one person."
)
_REPLY = (
    "It will still do most of this well, if you give it one task at a time: a small system, an editor without a "
    "browser around it, and a model that leaves room in memory for everything else that has to run beside it."
)

# How the weights come into memory. Mapped pages can be dropped and read again. llama.cpp's default, which the agents
# keep, also copies most of them into an order that is faster to compute with; the copy can only be kept.
_WAYS: dict[str, dict[str, Scalar]] = {
    "": {"repack": False},
    ", repacked": {},
    ", read whole": {"repack": False, "use_mmap": False},
}
_SHAPES: dict[Preset, tuple[str, ...]] = {
    "smoke": ("tiny",),
    "quick": ("135m",),
    "standard": (),
    "wide": ("135m", "360m", "1.1b", "3b", "8b"),
    "paper": ("135m", "360m", "1.1b", "3b", "8b"),
}
_PROFILES: dict[Preset, tuple[str, ...]] = {
    "smoke": ("1gb",),
    "quick": ("1gb",),
    "standard": (),
    "wide": ("1gb", "2gb", "4gb"),
    "paper": ("1gb", "2gb", "4gb"),
}
_BLOCKS: dict[Preset, int] = {"smoke": 1, "quick": 1, "standard": 1, "wide": 1, "paper": 3}
# Where, short of the paper preset, the other ways are worth their time: at the edge of what fits.
_EDGE = {("3b, repacked", "2gb"), ("8b, repacked", "4gb"), ("8b, read whole", "4gb")}
# Seconds a trial takes where the model fits the limit; where it does not, guess that patience ends first.
_ESTIMATES_S = {"tiny": 1.0, "135m": 3.0, "360m": 5.0, "1.1b": 15.0, "3b": 35.0, "8b": PATIENCE_S}
_DOES_NOT_FIT = {("3b", "1gb"), ("8b", "1gb"), ("8b", "2gb"), ("8b", "4gb"), *_EDGE}


def shapes(preset: Preset) -> tuple[str, ...]:
    """Return the shapes this part asks."""
    return _SHAPES[preset]


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a shape, limit and way to load; none where the engine of record runs no model."""
    preset = request.preset
    return [
        _cell(preset, profile, shape, way, request.shapes[shape])
        for profile in _PROFILES[preset]
        for shape in _SHAPES[preset]
        for way in _WAYS
        if shape in request.shapes and (not way or preset == "paper" or (shape + way, profile) in _EDGE)
    ]


def _cell(preset: Preset, profile: str, shape: str, way: str, engine: EngineSpec) -> Cell:
    return Cell(
        part="what-fits",
        condition={"part": "what-fits", "profile": profile},
        subject=shape + way,
        engine=msgspec.structs.replace(engine, settings={"context_tokens": CONTEXT_TOKENS, **_WAYS[way]}),
        settings={"patience_s": PATIENCE_S},
        profile=profile,
        blocks=_BLOCKS[preset],
        estimate_s=PATIENCE_S if (shape + way, profile) in _DOES_NOT_FIT else _ESTIMATES_S[shape],
        # Leaving takes a while too, where every page of this very code has to be read again.
        timeout_s=PATIENCE_S + 60.0,
    )


def run(role: Role) -> None:
    """Load, ask and generate until the reply is whole or the patience is over; the part says which."""
    spec, part = role.spec, role.part
    if spec.engine is None:
        raise BadInput(f"The trial of {spec.subject} names no engine.")
    engine = engines.make(spec.engine, role.model_path, spec.profile.cpus, spec.seed)
    marks: dict[str, float] = {}
    came: list[float] = []

    def reply() -> Generation:
        engine.load()
        marks["asked"] = time.monotonic()
        return engine.generate(
            Call(
                messages=[Message("user", _PROMPT)],
                max_tokens=REPLY_TOKENS,
                script=_REPLY,
                on_token=lambda _: came.append(time.monotonic()),
            )
        )

    pool = ThreadPoolExecutor(1)
    role.mark("began")
    asked = pool.submit(reply)
    wait([asked], float(spec.settings["patience_s"] or 0))
    # What the thread goes on to do after this moment is not looked at any more.
    whole, seen, tokens = asked.done(), marks.copy(), came.copy()
    role.mark("ended")
    part.marks |= seen
    if tokens:
        part.marks.update(first_token=tokens[0], last_token=tokens[-1])
    part.values.update(tokens=asked.result().generated_tokens if whole else len(tokens), tokens_asked=REPLY_TOKENS)
    if whole:
        part.values["prompt_tokens"] = asked.result().prompt_tokens
    if role.model_path:
        part.values["model_bytes"] = Path(role.model_path).stat().st_size
    if (read := disk.read_bytes(role.processes.pids())) is not None:
        part.values["disk_read_bytes"] = read
    role.outside_look()
    if not whole:
        role.leave()
    pool.shutdown()
    engine.close()
