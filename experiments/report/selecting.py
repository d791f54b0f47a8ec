"""Which preset, and which filters of ``fourgig run``, plan exactly the trials that somebody wants.

They are found by planning: what a study would run in a preset is narrowed until nothing else is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

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


class Grid:
    """The cells of a study in a preset by their places, and what is asked of each of them again and again."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self._has_arms = any(cell.twin for cell in cells)

    @cached_property
    def _levels(self) -> list[dict[str, str]]:
        return [choosing.levels(cell) for cell in self.cells]

    @cached_property
    def _bits(self) -> dict[str, dict[str, int]]:
        """Of every factor that one of the cells has, the cells with each of its levels: a bit for each place."""
        found: dict[str, dict[str, int]] = {factor: {} for mine in self._levels for factor in mine}
        for factor, by_level in found.items():
            for place, mine in enumerate(self._levels):
                level = mine.get(factor, "")
                by_level[level] = by_level.get(level, 0) | 1 << place
        return found

    def condition(self, place: int) -> tuple[tuple[str, Scalar], ...]:
        """Return what all cells of one condition have in common."""
        return tuple(sorted(self.cells[place].condition.items()))

    def wanted(self, one: WantedTrials) -> list[int]:
        """Return the cells that are wanted; none where a subject, a block or the arms are missing."""
        if one.arms and not self._has_arms:
            return []
        subjects = [place for place, cell in enumerate(self.cells) if cell.subject in one.subjects]
        fitting = {place: self.condition(place) for place in subjects if one.fits(self.cells[place].condition)}
        there: dict[object, set[str]] = {}
        for place, condition in fitting.items():
            there.setdefault(condition, set()).add(self.cells[place].subject)
        whole = [place for place, condition in fitting.items() if there[condition] == one.subjects]
        blocks = [self.cells[place].blocks for place in whole]
        return whole if all(count is None or count >= one.blocks for count in blocks) else []

    def box(self, members: Sequence[int]) -> dict[str, Levels]:
        """Return the levels that ``members`` have, of every factor that one of the cells has."""
        of_members = [self._levels[place] for place in members]
        found = {factor: tuple(dict.fromkeys(mine.get(factor, "") for mine in of_members)) for factor in self._bits}
        return {factor: asked[0] if len(asked) == 1 else asked for factor, asked in found.items()}

    def places(self, only: Mapping[str, Levels]) -> list[int]:
        """Return the cells that have the levels asked for."""
        selected = self._selected(only)
        return [place for place in range(len(self.cells)) if selected >> place & 1]

    def selects_within(self, only: Mapping[str, Levels], allowed: Iterable[int]) -> bool:
        """Tell whether all cells that have the levels asked for are among those ``allowed``."""
        return not self._selected(only) & ~sum(1 << place for place in set(allowed))

    def fewest(self, only: Mapping[str, Levels]) -> dict[str, Levels]:
        """Return as few of the filters ``only`` as still select the same, without what says least to a reader first."""
        same, kept = self._selected(only), dict(only)
        absent = [factor for factor, asked in only.items() if asked == ""]
        others = [factor for factor in reversed(list(only)) if factor not in (*_IMPLIED, *absent, "part", "subject")]
        for factor in (*_IMPLIED, *absent, *others, "part", "subject"):
            fewer = {name: asked for name, asked in kept.items() if name != factor}
            if self._selected(fewer) == same:
                kept = fewer
        return kept

    def _selected(self, only: Mapping[str, Levels]) -> int:
        """Return the cells that have the levels asked for: a bit for each place."""
        left = (1 << len(self.cells)) - 1
        for factor, asked in only.items():
            of_factor, having = self._bits[factor], 0
            for level in choosing.any_of(asked):
                having |= of_factor.get(level, 0)
            left &= having
        return left


class Grids:
    """What one study would run in each preset, of the systems and on the engine of a run."""

    def __init__(self, info: RunInfo, study: str) -> None:
        self._info = info
        self._study = study
        self._made: dict[Preset, Grid] = {}

    @property
    def model(self) -> str | None:
        """The name of the model of record."""
        return self._info.engine.model

    def of(self, preset: Preset) -> Grid:
        """Return every cell. Raises `UnknownName` where the study, a system or the engine is not installed."""
        if preset not in self._made:
            engine = self._info.engine
            names = plan.shapes_needed([self._study], preset) if engine.model else ()
            shapes = {name: self._info.shapes.get(name) or EngineSpec(name=engine.name, model=name) for name in names}
            self._made[preset] = Grid(plan.grid(self._study, preset, self._info.systems, engine, shapes))
        return self._made[preset]


def selections(grids: Grids, wanted: Sequence[WantedTrials]) -> list[Selection]:
    """Return what to ask for, of the smallest preset that has most of it, and then of others for the rest.

    What no preset has is in none of them. Raises as `Grids.of` does.
    """
    has = {preset: [(one, places) for one in wanted if (places := grids.of(preset).wanted(one))] for preset in BLOCKS}
    found: list[Selection] = []
    while True:
        preset = max(BLOCKS, key=lambda name: len(has[name]))  # of equals the first, which is the smallest
        held = has[preset]
        if not held:
            return found
        found += _of_preset(grids, preset, held)
        done = [one for one, _ in held]
        has = {name: [(one, places) for one, places in mine if one not in done] for name, mine in has.items()}


def _of_preset(grids: Grids, preset: Preset, held: Sequence[tuple[WantedTrials, list[int]]]) -> list[Selection]:
    grid, arms = grids.of(preset), any(one.arms for one, _ in held)
    found = []
    for titles, members in _together(grid, held):
        only = grid.fewest(grid.box(members))
        kept = [grid.cells[place] for place in grid.places(only)]
        planned = choosing.with_arms(grid.cells, kept) if arms else kept
        found.append(
            Selection(
                titles=tuple(dict.fromkeys(titles)),
                preset=preset,
                part=grid.cells[members[0]].part if "part" in only else None,
                only={factor: asked for factor, asked in only.items() if factor != "part"},
                arms=arms,
                model=any(cell.engine is not None and cell.engine.model == grids.model for cell in planned),
            )
        )
    return found


def _together(grid: Grid, held: Sequence[tuple[WantedTrials, list[int]]]) -> list[tuple[list[str], list[int]]]:
    """Return titles and cells in groups of one part, each of which filters can tell from all that is not wanted."""
    allowed = {place for _, mine in held for place in mine}
    groups: list[tuple[list[str], list[int]]] = []
    for one, mine in held:
        by_condition: dict[object, list[int]] = {}
        for place in mine:
            by_condition.setdefault(grid.condition(place), []).append(place)
        for here in by_condition.values():
            part = grid.cells[here[0]].part
            for titles, members in groups:
                if grid.cells[members[0]].part == part and grid.selects_within(grid.box([*members, *here]), allowed):
                    titles.append(one.title)
                    members += here
                    break
            else:
                groups.append(([one.title], here))
    return groups
