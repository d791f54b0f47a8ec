"""What does loading on first use cost and save, at start, at the first reply and at the second?

Three parts. *Start*: a fresh process is started, asked once and asked again, on a cold page cache or on one that it
warmed itself. *Resources*: what each thing that a turn needs costs to load. *Imports*: what the systems' own code costs
before any of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.resources import IN_ORDER, RESOURCES
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, Study, narrowed, twins
from experiments.measuring.workload import workloads
from experiments.studies import joining
from experiments.studies.lazy_loading import imports, resources
from experiments.studies.subjects import Stopwatch, ask, counted, hosted, planned
from systems import registry
from systems.engines.scripted import Scripts

# Variants of a system that has the choice of when to load, by name; "" is a system that has none.
_ONLY = ""
_COLD = (_ONLY, "eager", "lazy", "lazy-warm")
_WARM: dict[Preset, tuple[str, ...]] = {
    "smoke": ("lazy",),
    "quick": (_ONLY, "lazy"),
    "standard": (_ONLY, "eager", "lazy"),
    "paper": _COLD,
}
_AS_THEY_COME = (_ONLY, "lazy")  # each system once
_PAUSED = ("lazy", "lazy-warm")
_PAUSE_S = 1  # how long after ready the first request comes, where a warm-up is to have had time
_SHAPE = "1.1b"
_USER = "user"
_WATERFALLS = 3  # blocks that show a waterfall's spread; no verdict rests on it


class LazyLoading(Study):
    """Eager, lazy, and lazy with warm-up after ready; cold and warm; and what there is to load."""

    name = "lazy-loading"
    question = "What does loading on first use cost and save: at start, at the first reply, at the second?"
    parts: ClassVar[Mapping[str, str]] = {
        "start": "a fresh process is started, asked once and asked again, on a cold page cache or on a warm one",
        "resources": "what each thing that a turn needs costs to load, one after another",
        "imports": "what importing a system's own code costs",
    }
    references = ("baseline", "asynchronous-lazy")
    measures = (
        "time_to_ready",
        "time_to_first_reply",
        "time_to_second_reply",
        "first_request_latency",
        "second_request_latency",
        "memory_at_ready",
        "memory_at_first_reply",
        "memory_at_second_reply",
        "file_memory_at_ready",
        "file_memory_at_first_reply",
        "group_peak_memory",
        *(f"{kind}_{name}" for kind in ("load_time", "load_anonymous", "load_file") for name in RESOURCES),
        "interpreter_time",
        "import_time",
        "import_anonymous",
    )
    primary = ("time_to_ready", "time_to_first_reply", "first_request_latency", "memory_at_ready")
    loads = (resources.AGENT,)

    def shapes(self, preset: Preset) -> tuple[str, ...]:
        """Return a second, larger shape for the paper."""
        return (_SHAPE,) if preset == "paper" else ()

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the starts, cold and warm, then the resources, then the imports.

        Systems that stand beside the compared ones start cold, as they come, and are imported.
        """
        request = narrowed(request)
        preset = request.preset
        cold = _starts(request, {"page_cache": "cold"}, _COLD, 5.0)
        segmenters = _cells(_other_segmenters(request.systems), request.engine, {"page_cache": "cold"}, 4.0)
        cells = [*cold, *segmenters, *_starts(request, {"page_cache": "warm"}, _WARM[preset], 4.5)]
        if preset in GRADED:
            cells += twins(cell for cell in cold if cell.variant in _AS_THEY_COME)
            cells += _starts(request, {"page_cache": "cold", "pause_s": _PAUSE_S}, _PAUSED, 4.5)
        if _SHAPE in request.shapes:
            engine = request.shapes[_SHAPE]
            for page_cache in ("cold", "warm"):
                cells += _starts(request, {"page_cache": page_cache, "shape": _SHAPE}, _COLD, 30.0, engine)
        others = joining.beside(request)
        cells += _starts(others, {"page_cache": "cold"}, _AS_THEY_COME, 5.0)
        return [*cells, *_resources(request), *_imports(request), *_imports(others)]

    def run_subject(self, role: Role) -> None:
        """Do the part that the condition names; a start is measured from a fresh interpreter on."""
        part = role.spec.condition.get("part")
        if part == "imports":
            imports.run(role)
            return
        if "started" not in role.part.marks:
            if role.spec.condition["page_cache"] == "warm":
                from experiments.studies.lazy_loading import warmth  # no part of the start that is measured

                reads = registry.systems.get(role.spec.system).reads if role.spec.system else ()
                role.part.values["read_bytes"] = float(warmth.read(role.model_path, reads))
            role.start_again()
        asyncio.run(resources.load(role) if part == "resources" else _start(role))


class _Start(NamedTuple):
    system: str
    variant: str
    settings: Mapping[str, Scalar]

    @property
    def subject(self) -> str:
        return f"{self.system}-{self.variant}" if self.variant else self.system


def _chosen(systems: Iterable[str], names: Sequence[str]) -> list[_Start]:
    """Return the starts with these ``names``; a system that has no choice has one, without a name."""
    found = []
    for system in systems:
        variants = registry.systems.get(system).varied("start") or {_ONLY: {}}
        found += [_Start(system, name, settings) for name, settings in variants.items() if name in names]
    return found


def _other_segmenters(systems: Iterable[str]) -> list[_Start]:
    """Return the starts of systems on another segmenter: what another agent owes to its own must be told apart."""
    return [
        _Start(system, name, settings)
        for system in systems
        for name, settings in registry.systems.get(system).varied("segmenter").items()
    ]


def _starts(
    request: GridRequest,
    condition: dict[str, Scalar],
    names: Sequence[str],
    estimate_s: float,
    engine: EngineSpec | None = None,
) -> list[Cell]:
    return _cells(_chosen(request.systems, names), engine or request.engine, condition, estimate_s)


def _cells(starts: Iterable[_Start], engine: EngineSpec, condition: dict[str, Scalar], estimate_s: float) -> list[Cell]:
    return [
        Cell(
            part="start",
            condition=condition,
            subject=start.subject,
            system=start.system,
            variant=start.variant,
            settings=dict(start.settings),
            engine=engine,
            estimate_s=estimate_s,
        )
        for start in starts
    ]


def _resources(request: GridRequest) -> list[Cell]:
    """Return the whole waterfall; in the paper also backwards, and each resource alone: shared imports make order."""
    # The library's own share can be told only of an engine that loads a model file in this process.
    loads_a_file = "model_path" in registry.engines.get(request.engine.name).Settings.__struct_fields__
    order = [name for name in IN_ORDER if name != "library" or loads_a_file]
    chosen = {"in-order": order}
    if request.preset == "paper":
        before = [name for name in order if name != "turn"]
        chosen |= {"reversed": before[::-1]} | {f"{name}-alone": [name] for name in before}
    return [
        Cell(
            part="resources",
            condition={"part": "resources", "page_cache": page_cache},
            subject=subject,
            settings={"resources": " ".join(names)},
            engine=request.engine,
            blocks=None if request.preset == "paper" else _WATERFALLS,
            estimate_s=1.0 + 0.6 * len(names),
        )
        for page_cache in (("cold",) if request.preset in ("smoke", "quick") else ("cold", "warm"))
        for subject, names in chosen.items()
    ]


def _imports(request: GridRequest) -> list[Cell]:
    return [
        Cell(part="imports", condition={"part": "imports"}, subject=system, system=system, estimate_s=1.0)
        for system in request.systems
    ]


async def _start(role: Role) -> None:
    """Start the system, ask it twice (once after a pause), and note each moment."""
    [turns] = workloads.get(role.spec.workload)(role.spec.seed, 1, 2)
    pause_s = float(role.spec.condition.get("pause_s") or 0)
    scripts = Scripts(planned({_USER: turns}))
    async with hosted(role, scripts) as system:
        role.mark("ready")
        role.part.memory["ready"] = role.processes.sample()
        await asyncio.sleep(pause_s)
        clock = Stopwatch()
        for name, turn in zip(("first_reply", "second_reply"), turns[:1] if pause_s else turns, strict=False):
            role.part.requests.append(await ask(system, turn, _USER, clock, clock()))
            role.mark(name)
            role.part.memory[name] = role.processes.sample()
        role.part.counters = counted(system.counters(), scripts)
        await asyncio.to_thread(role.outside_look)
