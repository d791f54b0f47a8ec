"""Study → plan: which trials, in which order, on which seeds, and how long they will take."""

from __future__ import annotations

import hashlib
import inspect
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

import msgspec

import systems
from experiments.measuring import profiles
from experiments.measuring.profiles import Profile
from experiments.measuring.records import EngineSpec, Record, Scalar, TrialSpec
from experiments.measuring.study import Cell, GridRequest, Preset, studies
from systems import registry
from systems.errors import BadInput

# What a trial's numbers depend on. Analysis and reporting may change without making a run unfinishable.
_NOT_MEASURING = ("analysis", "report", "metrics", "commands", "measuring/plan.py")


_Place = tuple[str, str, str]
"""Study, condition and subject: what trials of different runs have in common."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every trial of a run, in order. ``seconds`` estimates each one's duration."""

    trials: tuple[TrialSpec, ...]
    seconds: tuple[float, ...]


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
    part: str | None = None,
    only: Mapping[str, str] = {},
    past: Iterable[Record] = (),
) -> Plan:
    """Return the plan: in each block, conditions in random order, and within each its subjects in random order.

    ``settings`` hold in every trial of their system or engine whose cell does not choose them itself. ``part`` keeps
    one part of the studies; ``only`` the cells whose condition has these levels, as text, or whose ``part``,
    ``subject`` or ``system`` is the one named. Both orders and every workload come from ``seed``. Raises `UnknownName`
    for a study or system nobody registered, `BadInput` where nothing fits.
    """
    for name in system_names:
        registry.systems.get(name)
    earlier = _durations(past)
    version = code_version()
    trials: list[TrialSpec] = []
    seconds: list[float] = []
    grids: dict[str, Sequence[Cell]] = {}
    for name in study_names:
        study = studies.get(name)()
        # A study gets the shapes it asked for, not those of the others: its grid is the same in whatever company.
        own = {shape: shapes[shape] for shape in study.shapes(preset) if shapes and shape in shapes}
        grids[name] = study.grid(GridRequest(preset=preset, systems=tuple(system_names), engine=engine, shapes=own))
    grids = _chosen(grids, {**only, **({} if part is None else {"part": part})})
    expected = {name: _expected(name, cells, earlier) for name, cells in grids.items()}
    for block in range(blocks):
        for name, cells in grids.items():
            block_seed = _seed(seed, name, block)
            for cell in _shuffled([cell for cell in cells if cell.blocks is None or block < cell.blocks], block_seed):
                limits = profiles.load(cell.profile) if cell.profile else profile
                trials.append(_spec(name, _as_set(cell, settings or {}), limits, block, block_seed, version))
                seconds.append(expected[name][_place(name, cell.condition, cell.subject)])
    return Plan(trials=tuple(trials), seconds=tuple(seconds))


def shapes_needed(study_names: Sequence[str], preset: Preset) -> list[str]:
    """Return the model shapes the studies need besides the model of record, each once."""
    return list(dict.fromkeys(shape for name in study_names for shape in studies.get(name)().shapes(preset)))


def levels(cell: Cell) -> dict[str, str]:
    """Return what a cell can be chosen by, as text: the factors of its condition, its part, subject and system."""
    named = {"part": cell.part, "subject": cell.subject, "system": cell.system or ""}
    return {**named, **{factor: str(level) for factor, level in cell.condition.items()}}


def _chosen(grids: Mapping[str, Sequence[Cell]], wanted: Mapping[str, str]) -> dict[str, Sequence[Cell]]:
    """Return the cells that have every level in ``wanted``. Raises `BadInput`, with what there is, if none has."""
    found: dict[str, Sequence[Cell]] = {
        name: [cell for cell in cells if wanted.items() <= levels(cell).items()] for name, cells in grids.items()
    }
    if wanted and not any(found.values()):
        there: dict[str, dict[str, None]] = {}
        for cells in grids.values():
            for cell in cells:
                for factor, level in levels(cell).items():
                    there.setdefault(factor, {})[level] = None
        known = "; ".join(f"{factor}: {', '.join(filter(None, has))}" for factor, has in there.items() if any(has))
        said = " and ".join(f"{factor}={level}" for factor, level in wanted.items())
        raise BadInput(f"No trial has {said}. There are: {known}.")
    return found


def _as_set(cell: Cell, settings: Mapping[str, Mapping[str, Scalar]]) -> Cell:
    """Return ``cell`` with what was set on its system and its engine, where it does not choose that itself."""
    engine = cell.engine
    if engine is not None:
        own = {**settings.get(engine.name, {}), **engine.settings}
        engine = msgspec.structs.replace(engine, settings=own)
    chosen = {**settings.get(cell.system or "", {}), **cell.settings}
    return msgspec.structs.replace(cell, settings=chosen, engine=engine)


def _spec(study: str, cell: Cell, profile: Profile, block: int, seed: int, version: str) -> TrialSpec:
    labels = cell.labels
    if cell.engine is not None:
        engine = registry.engines.get(cell.engine.name)
        if not labels and not engine.runs_a_model:
            labels = (f"engine {cell.engine.name}: delays are simulated, no model ran",)
        if not engine.says_scripts:
            labels += (
                f"engine {cell.engine.name}: replies are its own, not the workload's; the end of text is ignored",
            )
    return TrialSpec(
        study=study,
        condition=cell.condition,
        subject=cell.subject,
        system=cell.system,
        hosting=cell.hosting,
        settings=cell.settings,
        engine=cell.engine,
        profile=profile,
        block=block,
        seed=seed,
        timeout_s=cell.timeout_s,
        traced=cell.traced,
        twin=cell.twin,
        labels=labels,
        code_version=version,
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
    """Return how long each cell takes: as measured earlier, else the guess times what the study's guesses were off."""
    guesses = {_place(study, cell.condition, cell.subject): cell.estimate_s for cell in cells}
    off = [earlier[place] / guess for place, guess in guesses.items() if place in earlier]
    pace = median(off) if off else 1.0
    return {place: earlier.get(place, guess * pace) for place, guess in guesses.items()}


def _durations(records: Iterable[Record]) -> dict[_Place, float]:
    """Return the median measured duration in seconds, by study, condition and subject."""
    found: dict[_Place, list[float]] = {}
    for record in records:
        spec = record.spec
        found.setdefault(_place(spec.study, spec.condition, spec.subject), []).append(record.outside.duration_s)
    return {place: median(durations) for place, durations in found.items()}


def outside_code(system_names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that add systems, engines or studies, by package.

    A system named by its module has no version: a hash of the module's file stands in for it.
    """
    groups = (registry.systems.group, registry.engines.group, studies.group)
    points = [point for group in groups for point in entry_points(group=group)]
    found = {f"outside.{point.dist.name}": point.dist.version for point in points if point.dist is not None}
    for name in system_names:
        if ":" in name:
            kind = registry.systems.get(name)
            code = Path(inspect.getfile(kind)).read_bytes()
            found[f"outside.{kind.__module__}"] = hashlib.sha256(code).hexdigest()[:12]
    return found


@cache
def code_version() -> str:
    """Return a hash of the code that measures and is measured."""
    digest = hashlib.sha256()
    here = Path(__file__).parents[1]
    for root in (Path(systems.__path__[0]), here):
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if root == here and name.startswith(_NOT_MEASURING):
                continue
            digest.update(f"{root.name}/{name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
