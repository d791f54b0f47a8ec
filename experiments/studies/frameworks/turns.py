"""One long session: what a turn costs, how that grows, and what its prompt holds.

A session has many turns, each asked when the last is answered. The endpoint says the planned reply at once, so that
what is left is the system's own. In the condition of many sessions each has one turn: what does a session hold open?
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import subjects, windows
from experiments.workloads.framework_levels import BARE, WINDOW

PART = "turns"
QUESTION = "one long session: what does a turn cost in time, memory and disk, and what does its prompt hold?"
MEASURES = (
    "turn_cpu",
    "turn_memory",
    "time_to_first_token_p50",
    "session_disk",
    "success_rate",
    "turn_cpu_growth",
    "system_memory",
    "prompt_messages_first",
    "prompt_messages_quarter",
    "prompt_messages_last",
    "prompt_tokens_first",
    "prompt_tokens_quarter",
    "prompt_tokens_last",
    "prompt_instructions",
    "turn_calls",
    "turn_other_calls",
    "descriptors",
    "threads",
)
PRIMARY = 4

MANY = 21
"""Sessions of the condition in which each has one turn."""

_TURNS: dict[Preset, int] = {"smoke": 12, "quick": 60, "paper": 400}
_USUAL_TURNS = 200
_GROWN = 1.6  # of what a turn takes by itself, where prompts grow all along
_ARMS = (BARE, "langgraph")  # the quietest, and in one window one of the frameworks


def cells(request: GridRequest) -> list[Cell]:
    """Return a long session a subject in each condition, and, but for the small presets, many short ones."""
    found = [*_long(request)]
    if request.preset not in ("smoke", "quick"):
        found += _many(request)
    return _compared.armed(request, found, _has_an_arm, arms=_ARMS)


def _has_an_arm(cell: Cell) -> bool:
    return cell.condition["sessions"] == 1 and (cell.subject == BARE or cell.condition["window"] == WINDOW)


def _long(request: GridRequest) -> Iterator[Cell]:
    turns = _TURNS.get(request.preset, _USUAL_TURNS)
    for window in windows(request.preset):
        for subject in subjects(request, variants=True):
            if subject.settings.get("in_process") and not window:
                continue  # what a framework takes besides HTTP is asked where its prompts are as long as the others'
            yield _compared.cell(
                PART,
                subject,
                window,
                {"sessions": 1, "turns": turns},
                services=("endpoint",),
                estimate_s=subject.start_s + turns * subject.turn_s * (1 if window else _GROWN),
            )


def _many(request: GridRequest) -> Iterator[Cell]:
    for subject in subjects(request):
        yield _compared.cell(
            PART,
            subject,
            WINDOW,
            {"sessions": MANY, "turns": 1},
            services=("endpoint",),
            blocks=1,  # what is open is counted, not timed
            estimate_s=subject.start_s + MANY * subject.turn_s,
        )


def run(role: Role) -> None:
    """Hold the sessions, and note what they cost and what was sent."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _turns

    _turns.run(role)
