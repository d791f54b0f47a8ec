"""The conditions of the load study, by preset.

What is asked is in the condition, so equal names mean equal work in every preset; presets differ in how much of it they
run. A condition of bounded blocks is a taste: it stays indicative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.study import Cell, GridRequest, Preset, twins
from experiments.studies.load.ladder import ladder
from experiments.studies.load.users import PATIENCE_S, ZIPF
from experiments.studies.subjects import batched
from systems import registry
from systems.description import Description

USERS = (1, 10, 25, 50, 75, 100, 150)
# Levels that are judged short of the preset `paper`.
_JUDGED = (1, 50)

# The published simulation sent two requests a user, each a sleep without a stated length: ours is this long, shorter in
# the presets `standard` and `wide`. Sixty-four of them may overlap.
_SLEEP_S, _SHORT_SLEEP_S, _SLOTS = 0.1, 0.02, 64

# An engine that, like llama.cpp's, serves one call at a time, but quickly: what the agent itself costs is then no
# longer lost beside it. A reply has 24 tokens.
_PREFILL_S, _TOKEN_S = 0.005, 0.0005
_SERIAL_S = _PREFILL_S + 23 * _TOKEN_S
_HALF, _NEARLY_ALL = (round(share / _SERIAL_S, 1) for share in (0.5, 0.9))

# Requests a second that an engine of record still serves where a first turn takes twice as long as the half second of
# the 135m shape on the two cores this was planned on.
_INFERENCE_RATE = 0.4

# Longest a trial may take: a system that stalls must not hold up the run for hours.
_LONGEST_S = 840.0


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation is; ``start_s`` and ``reply_s`` estimate a trial's fixed and a request's own seconds."""

    name: str
    part: str
    engine: EngineSpec
    factors: dict[str, Scalar] = {}
    labels: tuple[str, ...] = ()
    start_s: float = 2.5
    reply_s: float


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared inside a condition: a system, in one of its variants."""

    name: str
    system: str
    variant: str = ""
    in_loop: bool = False
    settings: dict[str, Scalar] = {}
    engine: EngineSpec | None = None


def cells(request: GridRequest) -> list[Cell]:
    """Return the cells of the request's preset."""
    presets: dict[Preset, Callable[[_Grid], Iterable[Cell]]] = {
        "smoke": _smoke,
        "quick": _quick,
        "standard": _standard,
        "wide": _wide,
        "paper": _paper,
    }
    return list(presets[request.preset](_Grid(request)))


def _smoke(grid: _Grid) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 2, turns=1)
    yield from grid.closed(grid.sleep(_SLEEP_S), 2, turns=1)
    yield from grid.poisson(grid.serial, _HALF, requests=6, sessions=3)


def _quick(grid: _Grid) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 1, turns=3)
    yield from grid.closed(grid.inference, 50, turns=1)
    yield from grid.closed(grid.sleep(_SLEEP_S), 50, turns=2)
    yield from grid.thinking(grid.serial, 25, turns=3, think_s=0.5)
    yield from grid.poisson(grid.serial, _NEARLY_ALL, requests=60, sessions=30)
    yield from grid.repeated(grid.inference, 2, turns=4)
    yield from (cell for cell in grid.ladder("add-one", grid.serial, 50) if "+" not in cell.subject)


def _standard(grid: _Grid) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 1, turns=3)
    ten = grid.closed(grid.inference, 10, turns=1)
    yield from (*ten, *twins(ten))
    yield from grid.closed(grid.inference, 50, turns=1)
    for users, turns in ((1, 3), (10, 1), (50, 1)):
        yield from grid.segmenters(grid.inference, users, turns=turns)
    for users in _JUDGED:
        yield from grid.closed(grid.sleep(_SHORT_SLEEP_S), users, turns=2)
    for rate in (_HALF, _NEARLY_ALL):
        yield from grid.poisson(grid.serial, rate, requests=60, sessions=30)
    yield from grid.ladders(grid.serial, 50)


def _wide(grid: _Grid) -> Iterable[Cell]:
    yield from _standard(grid)
    yield from grid.repeated(grid.inference, 2, turns=4, blocks=2)
    yield from grid.engines(10, turns=4, blocks=2)
    for users in USERS:
        if users not in _JUDGED:  # the levels between and above show the shape
            yield from grid.closed(grid.sleep(_SHORT_SLEEP_S), users, turns=2, blocks=2)
    yield from grid.thinking(grid.serial, 25, turns=3, think_s=0.5, blocks=2)
    yield from grid.bursts(grid.serial, _HALF, requests=60, sessions=30, blocks=2)
    yield from grid.poisson(grid.inference, _INFERENCE_RATE, requests=10, sessions=10, blocks=1)
    yield from grid.search(grid.serial, _HALF, window_s=10.0, sessions=30, blocks=2)
    yield from grid.search(grid.inference, 2 * _INFERENCE_RATE, window_s=20.0, sessions=30, blocks=1)


def _paper(grid: _Grid) -> Iterable[Cell]:
    yield from grid.closed(grid.inference, 1, turns=8)
    for users in USERS[1:]:
        level = grid.closed(grid.inference, users, turns=2)
        yield from (*level, *(twins(level) if users == 10 else ()))
    for users, turns in ((1, 8), (10, 2), (50, 2)):
        yield from grid.segmenters(grid.inference, users, turns=turns)
    yield from grid.in_loop(grid.inference, 10, turns=2)
    yield from grid.engines(50, turns=4)
    yield from grid.thinking(grid.inference, 10, turns=3, think_s=10.0)
    yield from grid.repeated(grid.inference, 10, turns=8)
    for rate in (_INFERENCE_RATE, 2 * _INFERENCE_RATE):
        yield from grid.poisson(grid.inference, rate, requests=40, sessions=40)
        yield from grid.bursts(grid.inference, rate, requests=40, sessions=40)
    for users in USERS:
        yield from grid.closed(grid.sleep(_SLEEP_S), users, turns=2)
        yield from grid.thinking(grid.serial, users, turns=4, think_s=0.5)
    for rate in (_HALF, _NEARLY_ALL):
        yield from grid.poisson(grid.serial, rate, requests=600, sessions=100)
        yield from grid.bursts(grid.serial, rate, requests=600, sessions=100)
    yield from grid.search(grid.serial, _HALF, window_s=30.0, sessions=100)
    yield from grid.search(grid.inference, 2 * _INFERENCE_RATE, window_s=60.0, sessions=100)
    yield from grid.ladders(grid.serial, 50)
    yield from grid.ladders(grid.inference, 50)


class _Grid:
    """Makes the cells of each kind of condition, for the systems and the engine that were asked for."""

    def __init__(self, request: GridRequest) -> None:
        self._subjects = [_Subject(name=name, system=name) for name in request.systems]
        self._systems = [registry.systems.get(name) for name in request.systems]
        real = registry.engines.get(request.engine.name).runs_a_model
        label = f"engine {request.engine.name}: delays are simulated, no model ran"
        self.inference = _Work(
            name="inference",
            part="inference",
            engine=request.engine,
            labels=() if real else (label,),
            start_s=4.0,
            reply_s=0.5,
        )
        self.serial = _Work(
            name="serial simulation",
            part="serial-simulation",
            engine=_simulated(first_token_s=_PREFILL_S, token_s=_TOKEN_S, slots=1),
            labels=(
                f"simulated engine: one reply at a time, {_PREFILL_S * 1000:g} ms for the prompt and "
                f"{_TOKEN_S * 1000:g} ms a token, no model ran",
            ),
            reply_s=_SERIAL_S + 0.006,
        )

    def sleep(self, seconds: float) -> _Work:
        """Return the published simulation with sleeps of this length."""
        label = f"simulated engine: a sleep of {seconds * 1000:.0f} ms a reply, no model ran, nothing can fail"
        return _Work(
            name="simulation",
            part="sleeps",
            factors={"sleep_ms": round(seconds * 1000)},
            engine=_simulated(first_token_s=seconds, token_s=0.0, slots=_SLOTS),
            labels=(label,),
            reply_s=seconds + 0.006,
        )

    def closed(self, work: _Work, users: int, *, turns: int, blocks: int | None = None) -> list[Cell]:
        """Return users who ask the next question when the last one is answered."""
        return _cells(work, _closed(users, turns), self._subjects, blocks=blocks)

    def segmenters(self, work: _Work, users: int, *, turns: int) -> list[Cell]:
        """Return, for the condition of `closed`, the systems on another segmenter than they come with.

        An agent that brings a faster one takes less memory for that alone; beside these shows what the rest of it does.
        """
        subjects = [
            _Subject(name=f"{system.name}-{name}", system=system.name, variant=name, settings=dict(settings))
            for system in self._systems
            for name, settings in system.varied("segmenter").items()
        ]
        return _cells(work, _closed(users, turns), subjects)

    def engines(self, users: int, *, turns: int, pool: int = 4, blocks: int | None = None) -> list[Cell]:
        """Return the engine's ladder: the systems on the serial engine, then what the batched one does, step by step.

        Questions repeat, for the last step's sake: a response cache, which all the others go without. Only where the
        run's engine is the serial one: the rungs above it use the same model.
        """
        serial = self.inference.engine
        subjects = [
            _Subject(
                name=f"{system.name} on serial",
                system=system.name,
                variant="serial",
                settings=dict(system.varied("cache").get("none", {})),
            )
            for system in self._systems
        ]
        rungs: tuple[tuple[str, str, dict[str, Scalar], str], ...] = (
            ("batched", "batching", {"share_prefixes": False, "keep_states": False}, "none"),
            ("batched+prefixes", "prefixes", {"keep_states": False}, "none"),
            ("batched+prefixes+states", "states", {}, "none"),
            ("batched+prefixes+states+cache", "cache", {}, "question"),
        )
        climbing = [system for system in self._systems if not system.blocks and _caches(system)]
        if batched(serial) is None or not climbing:
            return []
        subjects += [
            _Subject(
                name=f"{system.name} on {rung}",
                system=system.name,
                variant=added,
                settings=dict(system.varied("cache")[cache]),
                engine=batched(serial, **engine_settings),
            )
            for system in climbing
            for rung, added, engine_settings, cache in rungs
        ]
        condition = _closed(users, turns, questions="repeated", pool=pool, engines="ladder")
        return _cells(self.inference, condition, subjects, part="engines", labels=(_repeating(pool),), blocks=blocks)

    def in_loop(self, work: _Work, users: int, *, turns: int) -> list[Cell]:
        """Return the closed loop for blocking systems that answer in the server's event loop."""
        return _cells(work, _closed(users, turns), self._blocking_in_loop())

    def thinking(self, work: _Work, users: int, *, turns: int, think_s: float, blocks: int | None = None) -> list[Cell]:
        """Return users who pause for ``think_s`` on average before each question."""
        condition: dict[str, Scalar] = {"users": users, "turns": turns, "arrivals": "thinking", "think_s": think_s}
        return _cells(work, condition, self._subjects, blocks=blocks, spread_s=turns * think_s)

    def poisson(
        self, work: _Work, rate: float, *, requests: int, sessions: int, blocks: int | None = None
    ) -> list[Cell]:
        """Return independent arrivals."""
        condition: dict[str, Scalar] = {"users": sessions, "requests": requests, "arrivals": "poisson", "rate": rate}
        return _cells(work, condition, self._subjects, blocks=blocks, spread_s=requests / rate)

    def bursts(
        self, work: _Work, rate: float, *, requests: int, sessions: int, size: int = 10, blocks: int | None = None
    ) -> list[Cell]:
        """Return arrivals of ``size`` at once."""
        condition: dict[str, Scalar] = {
            "users": sessions,
            "requests": requests,
            "arrivals": "bursts",
            "rate": rate,
            "burst": size,
        }
        return _cells(work, condition, self._subjects, blocks=blocks, spread_s=requests / rate)

    def search(
        self, work: _Work, start: float, *, window_s: float, sessions: int, blocks: int | None = None
    ) -> list[Cell]:
        """Return the search for the highest rate of independent arrivals that meets the objective."""
        condition: dict[str, Scalar] = {
            "users": sessions,
            "requests": round(start * window_s),
            "arrivals": "search",
            "start": start,
            "window_s": window_s,
        }
        # Once doubled and thrice halved, and what it takes to fail is shorter.
        return _cells(work, condition, self._subjects, part="search", blocks=blocks, spread_s=5 * window_s)

    def repeated(self, work: _Work, users: int, *, turns: int, pool: int = 4, blocks: int | None = None) -> list[Cell]:
        """Return the closed loop in which each user draws from a few questions.

        The published cache knows an answer by its question alone. A key that covers the whole prompt hardly ever hits
        here: the history has moved on.
        """
        subjects = [
            *self._subjects,
            *(
                _Subject(
                    name=f"{system.name}-question",
                    system=system.name,
                    variant="question",
                    settings=dict(system.varied("cache")["question"]),
                )
                for system in self._systems
                if "question" in system.varied("cache")
            ),
        ]
        condition = _closed(users, turns, questions="repeated", pool=pool)
        return _cells(work, condition, subjects, part="repeated", labels=(_repeating(pool),), blocks=blocks)

    def ladders(self, work: _Work, users: int) -> list[Cell]:
        """Return both directions of every ladder, with an A/A arm at its lower and at its upper end."""
        made = [*self.ladder("add-one", work, users), *self.ladder("leave-one-out", work, users)]
        ends = {"add-one": "none", "leave-one-out": "all"}
        return [*made, *twins(cell for cell in made if cell.variant == ends[str(cell.condition["ladder"])])]

    def ladder(self, direction: str, work: _Work, users: int) -> list[Cell]:
        """Return one direction of the ladder of each system that has mechanisms.

        Upwards beside the systems that block, in either hosting: what such a ladder starts from.
        """
        made = []
        for system in self._systems:
            if not system.mechanisms:
                continue
            subjects = [
                _Subject(name=rung.name, system=system.name, variant=rung.variant, settings=rung.settings)
                for rung in ladder(system.mechanisms, direction)
            ]
            if direction == "add-one":
                subjects += [subject for subject in self._subjects if _blocks(subject)]
                subjects += self._blocking_in_loop()
            condition = _closed(users, 1, ladder=direction, of=system.name)
            made += _cells(work, condition, subjects, part="ladder")
        return made

    def _blocking_in_loop(self) -> list[_Subject]:
        return [
            _Subject(name=f"{subject.name}-in-loop", system=subject.system, variant="in-loop", in_loop=True)
            for subject in self._subjects
            if _blocks(subject)
        ]


def _closed(users: int, turns: int, **more: Scalar) -> dict[str, Scalar]:
    """Return the condition of users who ask the next question when the last one is answered."""
    return {"users": users, "turns": turns, "arrivals": "closed", **more}


def _repeating(pool: int) -> str:
    return f"questions repeat: each user draws from {pool} by Zipf's law, exponent {ZIPF:g}"


def _caches(system: Description) -> bool:
    return {"none", "question"} <= system.varied("cache").keys()


def _cells(
    work: _Work,
    condition: dict[str, Scalar],
    subjects: Sequence[_Subject],
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
            hosting=("in-loop" if subject.in_loop else "alone") if _blocks(subject) else None,
            settings=subject.settings,
            engine=subject.engine or work.engine,
            blocks=blocks,
            labels=(*work.labels, *labels),
            estimate_s=round(work.start_s + max(spread_s, requests * _each_s(work, subject, asked_each)), 1),
            timeout_s=min(_LONGEST_S, 60 + spread_s + 2 * asked_each * PATIENCE_S),
        )
        for subject in subjects
    ]


def _each_s(work: _Work, subject: _Subject, turns: int) -> float:
    if int(work.engine.settings.get("slots") or 1) > 1 and not _blocks(subject):
        return 0.004
    # Prompts grow with the history, and prompts of a real model take time.
    return work.reply_s * (min(2.0, 0.7 + 0.3 * turns) if work.name == "inference" else 1.0)


def _blocks(subject: _Subject) -> bool:
    return registry.systems.get(subject.system).blocks


def _simulated(**settings: Scalar) -> EngineSpec:
    return EngineSpec(name="simulated", settings=settings)
