"""Saving: what it costs the event loop to save a turn, and which acknowledged turns are in the file afterwards.

Turns arrive at a stated rate in a process of its own, which ends as programs end, or is killed by SIGKILL. Whether a
turn is lost is looked up in the file that is left, by another process. In the case ``summary`` one
conversation is summed up every few turns as it is saved, and the file is compared with what was said.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.research._levels import LISTED, SUMMED_UP

PART = "saving"
QUESTION = "a turn is saved in the loop, on threads or by one queued writer: what stalls, and what is lost?"
MEASURES = (
    "loop_delay_max",
    "turns_lost_at_exit",
    "turns_lost_at_kill",
    "rows_saved_after_summary",
    "loop_delay_p99",
    "latency_p50",
    "latency_p95",
    "rows_saved",
    "summary_holes",
    "restart_doubles",
)
PRIMARY = 4

SUBJECTS = ("in-loop", "thread", LISTED, "queued")
"""Three patterns of our own, and the listing's thread as it is listed."""

_RATES: dict[Preset, tuple[int, ...]] = {
    "smoke": (100,),
    "quick": (200,),
    "standard": (1, 20, 200),
    "wide": (1, 20, 200),
    "paper": (1, 5, 20, 50, 100, 200),
}
_SECONDS: dict[Preset, float] = {"smoke": 0.2, "paper": 5.0}
_USUAL_SECONDS = 1.2
_SUMMED_UP_TURNS: dict[Preset, int] = {"smoke": 20, "quick": 20, "paper": 200}
_USUAL_SUMMED_UP_TURNS = 60
_ARMED_RATE, _ARMED = 20, ("in-loop", "queued")
_NO_MODEL = "no model runs: turns and articles have stated lengths"

# Seconds, for estimates: a role and two processes beside it; a turn of the conversation that is summed up.
_START_S, _TURN_S = 1.8, 0.022


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a pattern and rate, and the conversation that is summed up."""
    preset = request.preset
    seconds = _SECONDS.get(preset, _USUAL_SECONDS)
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "turns_per_s": rate, "turns": max(2, round(rate * seconds))},
            subject=subject,
            labels=(_NO_MODEL,),
            estimate_s=_START_S + 1.5 * seconds,
        )
        for rate in _RATES[preset]
        for subject in SUBJECTS
    ]
    if preset in GRADED:
        found += twins(
            cell for cell in found if cell.condition["turns_per_s"] == _ARMED_RATE and cell.subject in _ARMED
        )
    turns = _SUMMED_UP_TURNS.get(preset, _USUAL_SUMMED_UP_TURNS)
    summed_up = [
        Cell(
            part=PART,
            condition={"part": PART, "case": SUMMED_UP, "turns": turns},
            subject=subject,
            labels=(_NO_MODEL, "a summary is a sentence that takes a stated time"),
            estimate_s=_START_S + turns * _TURN_S,
        )
        for subject in SUBJECTS
        if subject != "thread"  # what it saves is what the others of ours save
    ]
    return [*found, *summed_up]


def run(role: Role) -> None:
    """Have turns saved in processes of their own that end or are killed, and look what is in the file."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _saving

    _saving.run(role)
