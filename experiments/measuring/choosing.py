"""Which of the studies' cells a run keeps: those of a part, those with given levels, and the A/A arms they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from experiments.measuring.records import Levels
from experiments.measuring.study import GRADED, Cell, studies
from systems.errors import BadInput, UnknownName


def levels(cell: Cell) -> dict[str, str]:
    """Return what a cell can be chosen by, as text: its condition, subject, system, variant and part."""
    named = {"subject": cell.subject, "system": cell.system or "", "variant": cell.variant, "part": cell.part}
    return named | {factor: str(level) for factor, level in cell.condition.items()}


def meets(cell: Cell, only: Mapping[str, Levels]) -> bool:
    """Return whether a cell has, of every factor, one of the levels asked for; "" is to have none."""
    mine = levels(cell)
    return all(mine.get(factor, "") in any_of(asked) for factor, asked in only.items())


def any_of(asked: Levels) -> tuple[str, ...]:
    """Return the levels of which any will do."""
    return (asked,) if isinstance(asked, str) else asked


def chosen(
    grids: Mapping[str, Sequence[Cell]], *, part: str | None, only: Mapping[str, Levels], arms: bool
) -> dict[str, Sequence[Cell]]:
    """Return the cells of a part that have the levels asked for; with ``arms`` also those that give their noise floor.

    Raises `UnknownName` for a part that no study has, `BadInput` where no cell, or no arm, is left.
    """
    known = sorted({name for study in grids for name in studies.get(study).parts})
    if part is not None and part not in known:
        raise UnknownName(f"part of {' or '.join(grids)}", part, known)
    here = {name: [cell for cell in cells if part in (None, cell.part)] for name, cells in grids.items()}
    kept = {name: [cell for cell in cells if meets(cell, only)] for name, cells in here.items()}
    if (part is not None or only) and not any(kept.values()):
        if not any(here.values()):
            there = sorted({cell.part for cells in grids.values() for cell in cells})
            raise BadInput(f"This preset has nothing of the part {part}; it has {', '.join(there)}.")
        raise _no_such_level(only, [levels(cell) for cells in here.values() for cell in cells])
    _refuse_unknown(only, [levels(cell) for cells in here.values() for cell in cells])
    if not arms:
        return dict(kept)
    if not any(cell.twin for cells in grids.values() for cell in cells):
        raise BadInput(f"This preset has no A/A arms here; those that may have are {', '.join(GRADED)}.")
    return {name: with_arms(grids[name], cells) for name, cells in kept.items()}


def with_arms(cells: Sequence[Cell], kept: Sequence[Cell]) -> list[Cell]:
    """Return those of a study's ``cells`` that are ``kept``, or belong to an A/A arm that gives one of them its floor.

    The floor of a condition is that of the arms whose conditions are nearest to it (`experiments.analysis.noise`), of
    those that have the measure. The arms of a part have the measures of that part; where a part has no arm, any arm of
    the study may be the nearest that has them.
    """
    arms = [cell for cell in cells if cell.twin]
    armed = {cell.part for cell in arms}
    places = set(map(_place, kept))
    for cell in kept:
        near = [_shared(cell, arm) for arm in arms]
        least = max(near, default=0) if cell.part in armed else 0
        places |= {_place(arm) for arm, shared in zip(arms, near, strict=True) if shared >= least}
    return [cell for cell in cells if _place(cell) in places]


def _shared(cell: Cell, arm: Cell) -> int:
    return sum(arm.condition.get(factor) == level for factor, level in cell.condition.items())


def _place(cell: Cell) -> tuple[object, ...]:
    """Return what both halves of an A/A arm have in common, and no other cell has."""
    return cell.subject, *sorted(cell.condition.items())


def _no_such_level(only: Mapping[str, Levels], known: Sequence[Mapping[str, str]]) -> BadInput:
    """Return what is wrong with a choice that none of the ``known`` levels of cells meets."""
    _refuse_unknown(only, known)
    both = " and ".join(f"{factor}={' or '.join(any_of(asked))}" for factor, asked in only.items())
    return BadInput(f"No trial has {both} at once.")


def _refuse_unknown(only: Mapping[str, Levels], known: Iterable[Mapping[str, str]]) -> None:
    """Raise what is wrong with a level, or a factor, that no cell has; to have none is a level where some have one."""
    known = list(known)
    for factor, asked in only.items():
        there = {named.get(factor, "") for named in known}
        if not any(factor in named for named in known):
            raise UnknownName("factor", factor, {name for named in known for name in named})
        for level in any_of(asked):
            if level not in there:
                shown = ", ".join(sorted(filter(None, there), key=lambda text: (len(text), text)))
                raise BadInput(f"No trial has {factor}={level}; the levels of {factor} are {shown}.")
