"""Study → plan: which trials, in which order, on which seeds, and how long they will take."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import msgspec

from experiments.measuring import choosing, code, languages, profiles, requirements
from experiments.measuring.profiles import Profile
from experiments.measuring.records import WORKLOAD, EngineSpec, Levels, Record, Scalar, Skipped, TrialSpec
from experiments.measuring.study import Cell, GridRequest, Preset, studies
from experiments.measuring.workload import workloads
from systems import registry

APART = "the engine runs in a process of its own, loaded before the system starts"
"""What every table says of a system that asks its engine at an address."""

_Place = tuple[str, str, str]
"""Study, condition and subject: what trials of different runs have in common."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every trial of a run, in order. ``seconds`` estimates each one's duration; ``skipped`` cannot be run here."""

    trials: tuple[TrialSpec, ...]
    seconds: tuple[float, ...]
    skipped: tuple[Skipped, ...] = ()

    def count(self, done: Iterable[Record]) -> int:
        """Return how many trials the run has: these, and those ``done`` before what they need went missing."""
        return len({spec.key for spec in self.trials} | {record.key for record in done})

    def code_versions(self, before: Iterable[str]) -> tuple[str, ...]:
        """Return those of the run's trials: of these, and of those it had ``before`` what they need went missing."""
        return tuple(sorted({*before, *(spec.code_version for spec in self.trials)}))


def make(
    *,
    preset: Preset,
    study_names: Sequence[str],
    system_names: Sequence[str],
    engine: EngineSpec,
    profile: Profile,
    blocks: int,
    seed: int,
    shapes: Mapping[str, EngineSpec] | None = None,
    settings: Mapping[str, Mapping[str, Scalar]] | None = None,
    workload: str = WORKLOAD,
    part: str | None = None,
    only: Mapping[str, Levels] = {},
    arms: bool = False,
    past: Iterable[Iterable[Record]] = (),
) -> Plan:
    """Return the plan: in each block, conditions in random order, and within each its subjects in random order.

    ``settings`` hold in every trial of their system, or with their engine, whose cell does not choose them itself.
    ``part`` keeps one part of the studies, ``only`` the cells that have these levels of each factor, and ``arms``
    beside them the A/A arms that give their noise floor (`choosing`). Of the runs in ``past`` that measured a cell the
    quickest says how long its trials take (`_earlier`). Both orders and every workload come from ``seed``. Raises
    `UnknownName` for a study, system, workload, part or requirement that nobody registered, and `BadInput` for a choice
    that no cell meets.
    """
    for name in system_names:
        registry.systems.get(name)
    workloads.get(workload)
    earlier = _earlier([_durations(run) for run in past])
    grids = {name: grid(name, preset, system_names, engine, shapes or {}) for name in study_names}
    grids = choosing.chosen(grids, part=part, only=only, arms=arms)
    grids = {name: [_whole(cell) for cell in cells] for name, cells in grids.items()}
    missing = _missing((cell for cells in grids.values() for cell in cells), system_names)
    expected = {name: _expected(name, cells, earlier) for name, cells in grids.items()}
    trials: list[TrialSpec] = []
    seconds: list[float] = []
    for block in range(blocks):
        for name, cells in grids.items():
            block_seed = _seed(seed, name, block)
            # All are put in order before some are left out: the order of the others is the same on every machine.
            for cell in _shuffled([cell for cell in cells if cell.blocks is None or block < cell.blocks], block_seed):
                if _reason(cell, missing):
                    continue
                trials.append(
                    _spec(
                        name,
                        cell,
                        settings or {},
                        profile=profiles.load(cell.profile) if cell.profile else profile,
                        workload=workload,
                        block=block,
                        seed=block_seed,
                    )
                )
                seconds.append(expected[name][_place(name, cell.condition, cell.subject)])
    skipped = [
        Skipped(study=name, condition=cell.condition, subject=cell.subject, reason=reason)
        for name, cells in grids.items()
        for cell in cells
        if (reason := _reason(cell, missing))
    ]
    return Plan(trials=tuple(trials), seconds=tuple(seconds), skipped=tuple(skipped))


def grid(
    study: str, preset: Preset, system_names: Sequence[str], engine: EngineSpec, shapes: Mapping[str, EngineSpec]
) -> Sequence[Cell]:
    """Return the cells of ``study``, before any are chosen. Raises `UnknownName`."""
    made = studies.get(study)()
    # A study gets the shapes it asked for, not those of the others: its grid is the same in whatever company.
    own = {shape: shapes[shape] for shape in made.shapes(preset) if shape in shapes}
    return made.grid(GridRequest(preset=preset, systems=tuple(system_names), engine=engine, shapes=own))


def _whole(cell: Cell) -> Cell:
    """Return ``cell`` with what its system requires."""
    requires = registry.systems.get(cell.system).requires if cell.system else ()
    return msgspec.structs.replace(cell, requires=(*cell.requires, *requires)) if requires else cell


def _needs(cell: Cell) -> tuple[str, ...]:
    return (*cell.requires, *(service.name for service in cell.services))


def _missing(cells: Iterable[Cell], named: Sequence[str]) -> dict[str, str]:
    """Look once at each thing that any cell needs, and return why it is missing, by its name; empty where it is not.

    So is a system that its own interpreter cannot run: it does not keep others from being measured. One that is
    ``named`` is refused instead.
    """
    known = list(cells)
    needed = dict.fromkeys(need for cell in known for need in _needs(cell))
    found = {name: requirements.lacking(name) for name in needed}
    for name in dict.fromkeys(cell.system for cell in known if cell.system in cell.requires):
        if name is not None and name not in named and not found[name]:
            found[name] = code.fault(name)
    return found


def _reason(cell: Cell, missing: Mapping[str, str]) -> str:
    """Return why ``cell`` is skipped; empty where it can be run."""
    return "; ".join(filter(None, [cell.impossible, *(missing[name] for name in _needs(cell))]))


def shapes_needed(study_names: Sequence[str], preset: Preset) -> list[str]:
    """Return the model shapes the studies need besides the model of record, each once."""
    return list(dict.fromkeys(shape for name in study_names for shape in studies.get(name)().shapes(preset)))


def _spec(
    study: str,
    cell: Cell,
    settings: Mapping[str, Mapping[str, Scalar]],
    *,
    profile: Profile,
    workload: str,
    block: int,
    seed: int,
) -> TrialSpec:
    labels, engine = cell.labels, cell.engine
    if engine is not None:
        kind = registry.engines.get(engine.name)
        if not labels and not kind.runs_a_model:
            labels = (f"engine {engine.name}: delays are simulated, no model ran",)
        if not kind.says_scripts:
            labels += (f"engine {engine.name}: replies are its own, not the workload's; the end of text is ignored",)
        engine = msgspec.structs.replace(engine, settings={**settings.get(engine.name, {}), **engine.settings})
    workload = workload if cell.says_itself else languages.heeding(workload, engine)
    if said := languages.label(workload):
        labels += (said,)
    apart = engine is not None and cell.system is not None and registry.systems.get(cell.system).asks_address
    if apart:
        labels += (APART,)
    return TrialSpec(
        study=study,
        condition=cell.condition,
        subject=cell.subject,
        system=cell.system,
        variant=cell.variant,
        hosting=cell.hosting,
        settings={**settings.get(cell.system or "", {}), **cell.settings},
        engine=engine,
        engine_apart=apart,
        workload=workload,
        services=cell.services,
        profile=profile,
        block=block,
        seed=seed,
        timeout_s=cell.timeout_s,
        traced=cell.traced,
        twin=cell.twin,
        labels=labels,
        code_version=code.version(cell.system, study),
    )


def _shuffled(cells: Sequence[Cell], seed: int) -> list[Cell]:
    """Keep the subjects of one condition next to each other, so that a pair shares the machine's mood."""
    rng = random.Random(f"order {seed}")
    conditions: dict[str, list[Cell]] = {}
    for cell in cells:
        conditions.setdefault(_canonical(cell.condition), []).append(cell)
    groups = list(conditions.values())
    rng.shuffle(groups)
    for group in groups:
        rng.shuffle(group)
    return [cell for group in groups for cell in group]


def _seed(seed: int, study: str, block: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {study} {block}".encode()).digest()[:6])


def _canonical(condition: dict[str, Scalar]) -> str:
    return json.dumps(condition, sort_keys=True)


def _place(study: str, condition: dict[str, Scalar], subject: str) -> _Place:
    return study, _canonical(condition), subject


def _expected(study: str, cells: Sequence[Cell], earlier: dict[_Place, float]) -> dict[_Place, float]:
    """Return how long each cell takes: as measured earlier, else the guess times what such guesses were off.

    Such are the guesses of the same part; where none of it was measured, all of the study's.
    """
    places = {_place(study, cell.condition, cell.subject): cell for cell in cells}
    off: dict[str, list[float]] = {}
    for place, cell in places.items():
        if place in earlier:
            off.setdefault(cell.part, []).append(earlier[place] / cell.estimate_s)
    paces = {part: median(ratios) for part, ratios in off.items()}
    usual = median([ratio for ratios in off.values() for ratio in ratios]) if off else 1.0
    return {place: earlier.get(place, cell.estimate_s * paces.get(cell.part, usual)) for place, cell in places.items()}


def _earlier(runs: Sequence[Mapping[_Place, float]]) -> dict[_Place, float]:
    """Return how long trials took, in seconds, by study, condition and subject: of several runs the shortest.

    A machine that is busy makes them longer and nothing shorter. What only a slow run measured is taken to be as much
    shorter as the rest of that run would have been elsewhere.
    """
    shortest: dict[_Place, float] = {}
    for run in runs:
        for place, seconds in run.items():
            shortest[place] = min(seconds, shortest.get(place, seconds))
    counts = Counter(place for run in runs for place in run)
    for run in runs:
        shared = [place for place in run if counts[place] > 1]
        pace = sum(shortest[place] for place in shared) / sum(run[place] for place in shared) if shared else 1.0
        shortest.update({place: pace * seconds for place, seconds in run.items() if counts[place] == 1})
    return shortest


def _durations(records: Iterable[Record]) -> dict[_Place, float]:
    """Return the median measured duration in seconds, by study, condition and subject."""
    found: dict[_Place, list[float]] = {}
    for record in records:
        spec, outside = record.spec, record.outside
        if outside.duration_s > 0:  # else nothing was started
            starts_s = sum(service.start_s for service in outside.services)
            found.setdefault(_place(spec.study, spec.condition, spec.subject), []).append(outside.duration_s + starts_s)
    return {place: median(durations) for place, durations in found.items()}
