"""The conditions of the load study, by preset.

What is asked is in the condition, so equal names mean equal work in every preset; presets differ in how much of it they
run. A condition of bounded blocks is a taste: it stays indicative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import structs

from experiments.measuring.study import Cell, GridRequest, Preset, twins
from experiments.studies import joining
from experiments.studies.load.conditions import Conditions
from experiments.studies.load.works import SERIAL_S, sleep

USERS = (1, 10, 25, 50, 75, 100, 150)
# Levels that are judged short of the preset `paper`.
_JUDGED = (1, 50)
# The users whose questions the model answers, and how many each asks; the same in the preset `paper`.
_ASKING, _ASKING_LONG = ((1, 3), (10, 1), (50, 1)), ((1, 8), (10, 2), (50, 2))
# The users whose trials with inference are run twice.
_ARMED = 10

# Mechanisms that have nothing to do in the ladder, where each of fifty users asks once and nothing fails: no
# conversation goes on or ends, no history is too long, no question repeats, and nothing is embedded. The preset
# `standard` leaves them out. Lazy loading has nothing to do either, but the claims hold it against an eager start where
# all else is there.
_IDLE = frozenset(
    (
        *("degradation", "retries", "lru_cache"),
        *("importance_pruning", "stepped_pruning", "growing_prompts", "context_manager"),
        *("tiers", "cleaning", "warm_up", "hnsw", "batched_embedding"),
    )
)

# The published simulation sent two requests a user, each a sleep without a stated length: ours is this long, shorter in
# the presets `quick`, `standard` and `wide`.
_SLEEP_S, _SHORT_SLEEP_S = 0.1, 0.02

# Arrivals a second by the share of what the serial simulation could serve.
_HALF, _NEARLY_ALL = (round(share / SERIAL_S, 1) for share in (0.5, 0.9))

# Requests a second that an engine of record still serves where a first turn takes twice as long as the half second of
# the 135m shape on the two cores this was planned on.
_INFERENCE_RATE = 0.4


def cells(request: GridRequest) -> list[Cell]:
    """Return the cells of the request's preset."""
    presets: dict[Preset, Callable[[Conditions], Iterable[Cell]]] = {
        "smoke": _smoke,
        "quick": _quick,
        "standard": _standard,
        "wide": _wide,
        "paper": _paper,
    }
    return [*presets[request.preset](Conditions(request)), *_beside(joining.beside(request))]


def _smoke(grid: Conditions) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 2, turns=1)
    yield from grid.on_batched(2, turns=1)
    yield from grid.closed(sleep(_SLEEP_S), 2, turns=1)
    yield from grid.poisson(grid.serial, _HALF, requests=6, sessions=3)


def _quick(grid: Conditions) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 1, turns=3)
    yield from grid.closed(grid.inference, 50, turns=1)
    yield from grid.on_batched(50, turns=1)
    yield from grid.closed(sleep(_SHORT_SLEEP_S), 50, turns=2)
    yield from grid.poisson(grid.serial, _NEARLY_ALL, requests=60, sessions=30)
    yield from grid.repeated(grid.inference, 2, turns=4)
    ends = grid.ladder("add-one", grid.serial, 50)
    yield from (cell for cell in ends if "+" not in cell.subject and cell.hosting != "in-loop")


def _standard(grid: Conditions) -> Iterable[Cell]:
    for users, turns in _ASKING:
        level = [*grid.closed(grid.inference, users, turns=turns), *grid.on_batched(users, turns=turns)]
        yield from (*level, *(twins(level) if users == _ARMED else ()))
        yield from grid.segmenters(grid.inference, users, turns=turns)
    yield from grid.engines(10, turns=2)
    yield from grid.closed(sleep(_SHORT_SLEEP_S), max(_JUDGED), turns=2)
    yield from grid.poisson(grid.serial, _NEARLY_ALL, requests=60, sessions=30)
    yield from (cell for cell in grid.ladders(grid.serial, 50) if _is_at_work(cell))


def _wide(grid: Conditions) -> Iterable[Cell]:
    yield from _standard(grid)
    yield from (cell for cell in grid.ladders(grid.serial, 50) if not _is_at_work(cell))
    yield from grid.closed(sleep(_SHORT_SLEEP_S), min(_JUDGED), turns=2)
    yield from grid.poisson(grid.serial, _HALF, requests=60, sessions=30)
    yield from grid.repeated(grid.inference, 2, turns=4, blocks=2)
    for users in USERS:
        if users not in _JUDGED:  # the levels between and above show the shape
            yield from grid.closed(sleep(_SHORT_SLEEP_S), users, turns=2, blocks=2)
    yield from grid.thinking(grid.serial, 25, turns=3, think_s=0.5, blocks=2)
    yield from grid.bursts(grid.serial, _HALF, requests=60, sessions=30, blocks=2)
    yield from grid.poisson(grid.inference, _INFERENCE_RATE, requests=10, sessions=10, blocks=1)
    yield from grid.search(grid.serial, _HALF, window_s=10.0, sessions=30, blocks=2)
    yield from grid.search(grid.inference, 2 * _INFERENCE_RATE, window_s=20.0, sessions=30, blocks=1)


def _paper(grid: Conditions) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 1, turns=8)
    yield from grid.on_batched(1, turns=8)
    for users in USERS[1:]:
        level = [*grid.closed(grid.inference, users, turns=2), *grid.on_batched(users, turns=2)]
        yield from (*level, *(twins(level) if users == _ARMED else ()))
    for users, turns in _ASKING_LONG:
        yield from grid.segmenters(grid.inference, users, turns=turns)
    yield from grid.in_loop(grid.inference, 10, turns=2)
    yield from grid.engines(50, turns=4)
    yield from grid.thinking(grid.inference, 10, turns=3, think_s=10.0)
    yield from grid.repeated(grid.inference, 10, turns=8)
    for rate in (_INFERENCE_RATE, 2 * _INFERENCE_RATE):
        yield from grid.poisson(grid.inference, rate, requests=40, sessions=40)
        yield from grid.bursts(grid.inference, rate, requests=40, sessions=40)
    for users in USERS:
        yield from grid.closed(sleep(_SLEEP_S), users, turns=2)
        yield from grid.thinking(grid.serial, users, turns=4, think_s=0.5)
    for rate in (_HALF, _NEARLY_ALL):
        yield from grid.poisson(grid.serial, rate, requests=600, sessions=100)
        yield from grid.bursts(grid.serial, rate, requests=600, sessions=100)
    yield from grid.search(grid.serial, _HALF, window_s=30.0, sessions=100)
    yield from grid.search(grid.inference, 2 * _INFERENCE_RATE, window_s=60.0, sessions=100)
    yield from grid.ladders(grid.serial, 50)
    yield from grid.ladders(grid.inference, 50)


def _is_at_work(rung: Cell) -> bool:
    """Return whether a rung of the ladder says more than what an idle mechanism costs."""
    alone = ("lazy_loading",) if rung.condition["ladder"] == "add-one" else ()
    return rung.variant not in _IDLE and rung.variant not in alone


def _beside(request: GridRequest) -> Iterable[Cell]:
    """Yield what the systems that stand beside the others are asked: as many users with inference, most with sleeps.

    And each mechanism taken away from all, as far as the preset has its rung. That of the tiered agent is asked in the
    study `density`, over long conversations: none of its own has work here.
    """
    grid, is_paper = Conditions(request), request.preset == "paper"
    for users, turns in _ASKING_LONG if is_paper else _ASKING:
        yield from grid.closed(grid.inference, users, turns=turns)
        yield from grid.on_batched(users, turns=turns)
    yield from grid.closed(sleep(_SLEEP_S if is_paper else _SHORT_SLEEP_S), max(_JUDGED), turns=2)
    climbing = tuple(name for name in request.systems if name != "tiered")
    rungs = Conditions(structs.replace(request, systems=climbing)).ladder("leave-one-out", grid.serial, 50)
    rungs = [rung for rung in rungs if request.preset != "standard" or _is_at_work(rung)]
    yield from (*rungs, *twins(cell for cell in rungs if cell.variant == "all"))
