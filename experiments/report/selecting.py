"""Which preset, and which filters of ``fourgig run``, plan exactly the trials that somebody wants.

They are found by planning: what a study would run in a preset is narrowed until nothing else is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from experiments.measuring import choosing, plan
from experiments.measuring.records import EngineSpec, Levels, Scalar
from experiments.measuring.runs import RunInfo
from experiments.measuring.study import BLOCKS, Cell, Preset

_IMPLIED = ("variant", "system")
"""What the subject says already."""


class WantedTrials(msgspec.Struct, frozen=True, kw_only=True):
    """Trials that are wanted: all these subjects in every condition that fits and has them, in at least ``blocks``.

    ``title`` says what they show; with ``arms`` that takes the A/A arms that give them a noise floor.
    """

    title: str
    fits: Callable[[Mapping[str, Scalar]], bool]
    subjects: frozenset[str]
    blocks: int = 0
    arms: bool = False


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask of ``fourgig run`` for what was wanted under ``titles``; ``model`` if it uses the model of record."""

    titles: tuple[str, ...]
    preset: Preset
    part: str | None
    only: dict[str, Levels]
    arms: bool
    model: bool


class Grids:
    """What one study would run in each preset, of the systems and on the engine of a run."""

    def __init__(self, info: RunInfo, study: str) -> None:
        self._info = info
        self._study = study
        self._made: dict[Preset, Sequence[Cell]] = {}

    @property
    def model(self) -> str | None:
        """The name of the model of record."""
        return self._info.engine.model

    def cells(self, preset: Preset) -> Sequence[Cell]:
        """Return every cell. Raises `UnknownName` where the study, a system or the engine is not installed."""
        if preset not in self._made:
            engine = self._info.engine
            names = plan.shapes_needed([self._study], preset) if engine.model else ()
            shapes = {name: self._info.shapes.get(name) or EngineSpec(name=engine.name, model=name) for name in names}
            self._made[preset] = plan.grid(self._study, preset, self._info.systems, engine, shapes)
        return self._made[preset]


def selections(grids: Grids, wanted: Sequence[WantedTrials]) -> list[Selection]:
    """Return what to ask for, of the smallest preset that has most of it, and then of others for the rest.

    What no preset has is in none of them. Raises as `Grids.cells` does.
    """
    left, found = list(wanted), []
    while left:
        held = {preset: [one for one in left if _cells(grids.cells(preset), one)] for preset in BLOCKS}
        preset = max(BLOCKS, key=lambda name: len(held[name]))  # of equals the first, which is the smallest
        if not held[preset]:
            break
        found += _of_preset(grids, preset, held[preset])
        left = [one for one in left if one not in held[preset]]
    return found


def _cells(cells: Sequence[Cell], one: WantedTrials) -> list[Cell]:
    """Return the cells that are wanted; none where a subject, a block or the arms are missing."""
    if one.arms and not any(cell.twin for cell in cells):
        return []
    fitting = [cell for cell in cells if cell.subject in one.subjects and one.fits(cell.condition)]
    there: dict[object, set[str]] = {}
    for cell in fitting:
        there.setdefault(_condition(cell), set()).add(cell.subject)
    whole = [cell for cell in fitting if there[_condition(cell)] == one.subjects]
    enough = all(cell.blocks is None or cell.blocks >= one.blocks for cell in whole)
    return whole if enough else []


def _condition(cell: Cell) -> object:
    return tuple(sorted(cell.condition.items()))


def _of_preset(grids: Grids, preset: Preset, wanted: Sequence[WantedTrials]) -> list[Selection]:
    cells, arms = grids.cells(preset), any(one.arms for one in wanted)
    found = []
    for titles, members in _together(cells, wanted):
        only = _fewest(cells, _box(cells, members))
        kept = _selected(cells, only)
        planned = choosing.with_arms(cells, kept) if arms else kept
        found.append(
            Selection(
                titles=tuple(dict.fromkeys(titles)),
                preset=preset,
                part=members[0].part if "part" in only else None,
                only={factor: asked for factor, asked in only.items() if factor != "part"},
                arms=arms,
                model=any(cell.engine is not None and cell.engine.model == grids.model for cell in planned),
            )
        )
    return found


def _together(cells: Sequence[Cell], wanted: Sequence[WantedTrials]) -> list[tuple[list[str], list[Cell]]]:
    """Return titles and cells in groups of one part, each of which filters can tell from all that is not wanted."""
    allowed = [cell for one in wanted for cell in _cells(cells, one)]
    groups: list[tuple[list[str], list[Cell]]] = []
    for one in wanted:
        mine = _cells(cells, one)
        for condition in dict.fromkeys(map(_condition, mine)):
            here = [cell for cell in mine if _condition(cell) == condition]
            for titles, members in groups:
                joined = _selected(cells, _box(cells, [*members, *here]))
                if members[0].part == here[0].part and all(cell in allowed for cell in joined):
                    titles.append(one.title)
                    members += here
                    break
            else:
                groups.append(([one.title], here))
    return groups


def _box(cells: Sequence[Cell], members: Sequence[Cell]) -> dict[str, Levels]:
    """Return the levels that ``members`` have, of every factor that one of ``cells`` has."""
    of_members = [choosing.levels(cell) for cell in members]
    factors = dict.fromkeys(factor for cell in cells for factor in choosing.levels(cell))
    found = {factor: tuple(dict.fromkeys(named.get(factor, "") for named in of_members)) for factor in factors}
    return {factor: asked[0] if len(asked) == 1 else asked for factor, asked in found.items()}


def _selected(cells: Sequence[Cell], only: Mapping[str, Levels]) -> list[Cell]:
    return [cell for cell in cells if choosing.meets(cell, only)]


def _fewest(cells: Sequence[Cell], only: Mapping[str, Levels]) -> dict[str, Levels]:
    """Return as few of the filters ``only`` as still select the same, without what says least to a reader first."""
    same, kept = _selected(cells, only), dict(only)
    absent = [factor for factor, asked in only.items() if asked == ""]
    others = [factor for factor in reversed(list(only)) if factor not in (*_IMPLIED, *absent, "part", "subject")]
    for factor in (*_IMPLIED, *absent, *others, "part", "subject"):
        fewer = {name: asked for name, asked in kept.items() if name != factor}
        if _selected(cells, fewer) == same:
            kept = fewer
    return kept
