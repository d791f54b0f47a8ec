"""Leaks: how soon is it known that memory is lost, and where, and what does it cost to know?

An agent answers turn after turn, and a listener that nobody removes keeps some bytes of each. Whoever looks does so
every so many turns: at the process's memory, at snapshots of the heap, or at what memray saw allocated and not freed.
"""

from __future__ import annotations

from experiments.measuring.records import EngineSpec
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset, narrowed
from experiments.studies.strategies._leak_names import MEMRAY, SNAPSHOTS, WATCHED

PART = "leaks"
QUESTION = "memory watched, heap snapshots, memray: after how many turns is a leak found, and is it named?"
MEASURES = ("leak_found_after", "leak_other_places", "latency_p50", "leak_memory")
PRIMARY = 1

SUBJECTS = (WATCHED, SNAPSHOTS, MEMRAY)
REFERENCES = (WATCHED,)

EVERY = 25
"""Turns between two looks."""

_BYTES: dict[Preset, tuple[int, ...]] = {"smoke": (4_096,), "quick": (4_096,), "standard": (0, 64, 4_096)}
_ALL_BYTES = (0, 64, 256, 1_024, 4_096, 65_536)
_TURNS: dict[Preset, int] = {"smoke": 125, "quick": 125, "standard": 200}
_ALL_TURNS = 2_000
_BLOCKS = 2  # a look is nearly a count: blocks show that it does not depend on the words

# Seconds, for estimates: a trial without its turns, a turn, and how many times as long one takes while all is traced.
_TRIAL_S, _TURN_S = 1.0, 0.003
_SLOWER = {WATCHED: 1, SNAPSHOTS: 3, MEMRAY: 3}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way of looking for each leak."""
    preset = narrowed(request).preset
    turns = _TURNS.get(preset, _ALL_TURNS)
    return [
        Cell(
            part=PART,
            condition={"part": PART, "leaked_bytes": leaked, "turns": turns, "every": EVERY},
            subject=subject,
            system="asynchronous",
            variant=subject,
            engine=EngineSpec(name="simulated"),
            blocks=None if preset == "paper" else _BLOCKS,
            estimate_s=_TRIAL_S + turns * _TURN_S * _SLOWER[subject],
        )
        for leaked in _BYTES.get(preset, _ALL_BYTES)
        for subject in ((SNAPSHOTS,) if preset == "smoke" else SUBJECTS)
    ]


def run(role: Role) -> None:
    """Have the agent answer, keep what leaks, and look."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _leaking

    _leaking.run(role)
