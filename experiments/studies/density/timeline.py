"""Memory over a conversation that grows, and whether its tasks still succeed: four workloads, every system, the ladder.

All sessions ask at once, and the next round begins when all are answered; after each the anonymous memory of all the
subject's processes is read. Three kinds of work: ``no model`` shows what the agent itself keeps over many turns,
``inference`` the same in few turns beside a model with its key/value state, and times them. In both every reply is
scripted, so all systems generate the same tokens, and a task succeeds if the prompt held its value. In ``own words``
the real model answers what is asked for itself, and the task succeeds if its reply is right; what is told there is
said at once, and nothing is timed. The case ``overhead`` has short conversations, one after another, in which there is
nothing to save.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec

from experiments.grading import tasks
from experiments.measuring import engines
from experiments.measuring.records import EngineSpec, RequestRow, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.ladder import ladder
from experiments.studies.subjects import (
    WARM_UP,
    Stopwatch,
    ask_for_reply,
    counted,
    data_dir,
    make_system,
    planned,
    warm,
)
from experiments.workloads.tasks.conversation import KINDS, MIXED, PERIOD, asks, kinds, talk
from experiments.workloads.tasks.interface import TaskTurn
from systems import registry
from systems.engines.scripted import Scripts, scripted
from systems.server.hosting import Host, host
from systems.settings import names_of

PART = "timeline"
QUESTION = "memory over a growing conversation, in four workloads: what stays, and do the tasks still succeed?"
MEASURES = (
    "anonymous_mean",
    "tasks_in_prompt",
    "tasks_answered",
    "anonymous_peak",
    "anonymous_grown",
    "anonymous_growth",
    "anonymous_growth_low",
    "anonymous_growth_high",
    "tasks_in_prompt_soon",
    "tasks_in_prompt_late",
    "tasks_answered_soon",
    "tasks_answered_late",
    "latency_p50",
    "latency_p95",
    "throughput",
    "success_rate",
)
PRIMARY = 3

TIERED = "tiered"
NAIVE = "objects"
COMPARED = ("baseline", "asynchronous", NAIVE, TIERED)
"""The systems that are compared, beside those that were asked for, as far as they are registered."""

OVERHEAD = "overhead"
"""The case in which there is nothing to save."""

UNHEARD = "what an engine in a process of its own reads is not overheard"
WORDLESS = "it takes a model whose words mean something"

_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0, "sampling.repeat_penalty": 1.0}

# Every scripted reply is longer than this, and says its value before.
REPLY_TOKENS = 32
_ALL = (*KINDS, MIXED)
_SESSIONS = 12  # of the workload of many at once
# The workloads that are held without a model; all of them in the other presets.
_PLAIN: dict[Preset, tuple[str, ...]] = {"smoke": (KINDS[0], MIXED), "quick": KINDS[:1]}

# Turns of each session. Without a model: enough that what is kept is seen to grow, or not to.
_TURNS: dict[Preset, int] = {"smoke": 6, "quick": 48, "standard": 180, "wide": 180, "paper": 480}
_MANY_TURNS: dict[Preset, int] = {"smoke": 4, "standard": 24, "wide": 24, "paper": 120}
_INFERENCE: dict[Preset, tuple[str, ...]] = {"smoke": KINDS[:1], "quick": (), "standard": ("code",), "wide": ("code",)}
_INFERENCE_TURNS: dict[Preset, int] = {"smoke": 2, "standard": 3, "wide": 3, "paper": 24}
_OWN_WORDS: dict[Preset, tuple[str, ...]] = {"smoke": KINDS[:1], "quick": (), "standard": KINDS[:1]}
_OWN_WORDS_TURNS: dict[Preset, int] = {"smoke": 6, "standard": 12, "wide": 12, "paper": 72}
_OVERHEAD_TURNS: dict[Preset, int] = {"smoke": 8, "quick": 48, "standard": 120, "wide": 120, "paper": 240}
_SHORT_CONVERSATION = 6
_LADDER_TURNS: dict[Preset, int] = {"standard": 60, "wide": 60, "paper": 240}
_LADDER_BLOCKS: dict[Preset, int | None] = {"wide": 2}
# What has work in one long conversation. The others need users at once, many conversations or a memory that is short,
# and are left out in the preset `standard`.
_AT_WORK = (
    *("all", "full_text", "all_words", "noted_answers", "relevance_pruning"),
    *("incremental_encoding", "tiers", "group_commit"),
)
# A model's trials are dear: in these presets those that the claims compare.
_SPARING: tuple[Preset, ...] = ("quick", "standard")
_DEAR = ("baseline", TIERED)

# Seconds, for estimates.
_START_S, _TURN_S, _INFERENCE_S, _OWN_WORDS_S = 0.8, 0.003, 4.5, 4.5


def cells(request: GridRequest) -> list[Cell]:
    """Return every kind of work in the workloads of the preset, and the ladder of the tiered agent."""
    preset = request.preset
    systems = [name for name in COMPARED if name in registry.systems.built_in_names()]
    systems += [name for name in request.systems if name not in systems]
    none, runs = EngineSpec(name="simulated"), registry.engines.get(request.engine.name).runs_a_model
    plain = [
        cell
        for workload in _PLAIN.get(preset, _ALL)
        for cell in _compared(systems, none, "no model", workload, _turns(preset, workload))
    ]
    dear = [name for name in systems if preset not in _SPARING or name in _DEAR or name not in COMPARED]
    timed = [
        cell
        for workload in (_INFERENCE.get(preset, _ALL) if runs else ())
        for cell in _compared(dear, request.engine, "inference", workload, _INFERENCE_TURNS[preset])
    ]
    live = [name for name in systems if name != NAIVE and (preset not in _SPARING or name != "baseline")]
    overhead = _compared(live, none, "no model", KINDS[0], _OVERHEAD_TURNS[preset], case=OVERHEAD)
    spoken = [
        cell
        for workload in (_OWN_WORDS.get(preset, _ALL) if runs else ())
        for cell in _compared(dear, _likeliest(request.engine), "own words", workload, _OWN_WORDS_TURNS[preset])
    ]
    arms = twins(cell for cell in [*plain, *timed, *overhead] if preset in GRADED and _is_armed(cell))
    return [*plain, *timed, *overhead, *spoken, *arms, *_ladders(preset, none)]


def _turns(preset: Preset, workload: str) -> int:
    return (_MANY_TURNS if workload == MIXED else _TURNS)[preset]


def _is_armed(cell: Cell) -> bool:
    """Return whether the cell has an equal: one workload's floor serves the others, and a model's trials are dear."""
    if cell.condition["work"] == "inference" or "case" in cell.condition:
        return cell.system not in ("baseline", NAIVE)
    return cell.condition["tasks"] == KINDS[0]


def _compared(
    systems: Sequence[str], engine: EngineSpec, work: str, workload: str, turns: int, **more: Scalar
) -> list[Cell]:
    return [_cell(system, system, {}, engine, work, workload, turns, more) for system in systems]


def _ladders(preset: Preset, engine: EngineSpec) -> list[Cell]:
    """Return both directions of the tiered agent's ladder, in which its mechanisms are switched on and off."""
    turns = _LADDER_TURNS.get(preset)
    directions = ("leave-one-out",) if preset == "standard" else ("add-one", "leave-one-out")
    if turns is None or TIERED not in registry.systems.built_in_names():
        return []
    mechanisms = registry.systems.get(TIERED).mechanisms
    return [
        msgspec.structs.replace(
            _cell(
                rung.name,
                TIERED,
                rung.settings,
                engine,
                "no model",
                KINDS[-1],
                turns,
                {"ladder": direction, "of": TIERED},
            ),
            variant=rung.variant,
            blocks=_LADDER_BLOCKS.get(preset),
        )
        for direction in directions
        for rung in ladder(mechanisms, direction)
        if preset != "standard" or rung.variant in _AT_WORK
    ]


def _cell(
    subject: str,
    system: str,
    settings: dict[str, Scalar],
    engine: EngineSpec,
    work: str,
    workload: str,
    turns: int,
    more: dict[str, Scalar],
) -> Cell:
    sessions = _SESSIONS if workload == MIXED else 1
    asked = turns * sessions
    each_s = {"no model": _TURN_S, "inference": _INFERENCE_S, "own words": _OWN_WORDS_S * 2 / PERIOD}[work]
    return Cell(
        part=PART,
        condition={"part": PART, "work": work, "tasks": workload, "turns": turns, "sessions": sessions, **more},
        subject=subject,
        system=system,
        settings=settings,
        engine=engine,
        impossible=_impossible(system, engine, work),
        estimate_s=round(_START_S + (1.3 if work != "no model" else 0.0) + asked * each_s, 1),
        timeout_s=120 + 10 * asked * each_s,
    )


def _likeliest(engine: EngineSpec) -> EngineSpec:
    """Return ``engine`` saying the likeliest word each time: a value is to be said again as it was told."""
    known = names_of(registry.engines.get(engine.name).Settings)
    settings = {name: value for name, value in _LIKELIEST.items() if name in known}
    return msgspec.structs.replace(engine, settings={**engine.settings, **settings})


def _impossible(system: str, engine: EngineSpec, work: str) -> str:
    if work == "own words" and engine.words_are_meaningless:
        return WORDLESS
    return UNHEARD if registry.systems.get(system).asks_address else ""


class _Session:
    """One of those who ask: its name, and the turns of its conversation."""

    def __init__(self, name: str, turns: Iterator[TaskTurn]) -> None:
        self.name = name
        self.turns = turns


def run(role: Role) -> None:
    """Hold the conversations, and note memory, times and grades."""
    asyncio.run(_converse(role))


async def _converse(role: Role) -> None:
    spec, condition = role.spec, role.spec.condition
    turns, spoken = int(condition["turns"] or 0), condition["work"] == "own words"
    # Without a model the context is bounded as with one: what it has no room for helps no task.
    bound = engines.CONTEXT_TOKENS if condition["work"] == "no model" else None
    heard = tasks.heard(engines.of_role(role), at_once=spoken, context_tokens=bound)
    first = next(talk(KINDS[0], spec.seed + 1, 0)).turn
    scripts = Scripts(planned({WARM_UP: [first]}))
    # What is noted takes no memory while it is measured: it would look like growth.
    anonymous = array("d", [0.0]) * turns
    grades: list[tasks.TaskGrade] = []
    with (role.work_dir / "rows.jsonl").open("w+b") as rows:
        try:
            async with host(make_system(spec, scripted(heard, scripts), data_dir(role)), spec.hosting) as system:
                await warm(system, [first])
                conversations = _Conversations(role)
                clock = Stopwatch()
                for place in range(turns):
                    grades += await _round(system, conversations.at(place), place, heard, scripts, clock, rows, spoken)
                    held = role.processes.anonymous_bytes()
                    anonymous[place] = math.nan if held is None else held
                role.part.counters = counted(system.counters(), scripts)
                await asyncio.to_thread(role.outside_look)
        finally:
            rows.seek(0)
            role.part.requests += [msgspec.json.decode(line, type=RequestRow) for line in rows]
    if not any(map(math.isnan, anonymous)):  # of several processes, not every kernel tells it
        role.part.series["anonymous_bytes"] = list(anonymous)
    role.part.series["turn"] = [float(place) for place in range(turns)]
    role.part.values.update({f"tasks/{name}": share for name, share in tasks.summary(grades).items()})


class _Conversations:
    """The sessions of a trial; in the case of overhead each conversation is short, and a new one follows it."""

    def __init__(self, role: Role) -> None:
        condition = role.spec.condition
        self._seed = role.spec.seed
        self._kinds = kinds(str(condition["tasks"]), int(condition["sessions"] or 1))
        self._short = condition.get("case") == OVERHEAD
        self._sessions: list[_Session] = []

    def at(self, place: int) -> list[_Session]:
        """Return who asks the turn at ``place``."""
        if place == 0 or (self._short and place % _SHORT_CONVERSATION == 0):
            self._sessions = [
                _Session(f"user-{number}-{place}", talk(kind, self._seed, number + place))
                for number, kind in enumerate(self._kinds)
            ]
        return self._sessions


async def _round(
    system: Host,
    sessions: Sequence[_Session],
    place: int,
    heard: tasks.Heard,
    scripts: Scripts,
    clock: Stopwatch,
    rows: IO[bytes],
    spoken: bool,
) -> list[tasks.TaskGrade]:
    """Have every session ask its next turn, all at once, and return the grades of what was asked for."""
    asked = [next(session.turns) for session in sessions]
    scripts.clear()
    if not (spoken and asks(place)):  # a model that speaks for itself is not told what to say
        for session, each in zip(sessions, asked, strict=True):
            scripts.add(session.name, each.turn.text, [each.turn.reply])
    heard.listen([each.turn.text for each in asked if each.check is not None])
    intended = clock()
    answered = await asyncio.gather(
        *(
            ask_for_reply(system, each.turn, session.name, clock, intended, REPLY_TOKENS)
            for session, each in zip(sessions, asked, strict=True)
        )
    )
    grades = []
    for number, (each, (row, reply)) in enumerate(zip(asked, answered, strict=True)):
        rows.write(msgspec.json.encode(msgspec.structs.replace(row, user=number, turn=place)) + b"\n")
        if each.check is not None:
            said = reply.text if reply is not None else ""
            read = heard.held(each.turn.text, each.check) if reply is not None else False
            grades.append(tasks.graded(each.check, read, said, spoken=spoken))
    heard.listen([])
    return grades
