"""A system is killed after some turns that it acknowledged, and started again: what of them is in its next prompt?

All of its processes are killed by SIGKILL as soon as the last turn is acknowledged; beside it stands an orderly end.
Then it is started anew on the same folder and asked once more in the same session. A turn is kept if its question and
its answer both stand in that prompt. There are few enough turns for any window.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import subjects, windows
from experiments.workloads.framework_levels import CLOSED, KILLED, WINDOW

PART = "kills"
QUESTION = "after kill -9, or an orderly end: what of the acknowledged turns is in the next prompt?"
MEASURES = ("turns_kept", "questions_kept", "goes_on")
PRIMARY = 1

TURNS = 5
"""Turns that are acknowledged before the end: ten messages, for which the window has room."""

KILLS = 3
"""Blocks of the condition in which chance has a part: a kill may come while something is being saved."""


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject, end and condition; what is counted has few blocks, and no A/A arms."""
    return [
        _compared.cell(
            PART,
            subject,
            window,
            {"turns": TURNS, "end": end},
            services=("endpoint",),
            blocks=KILLS if (window, end) == (WINDOW, KILLED) else 1,
            estimate_s=2 * subject.start_s + TURNS * subject.turn_s,
        )
        for window in windows(request.preset)
        for end in ((KILLED, CLOSED) if request.preset not in ("smoke", "quick") else (KILLED,))
        for subject in subjects(request)
    ]


def run(role: Role) -> None:
    """End the system, start it again, and note what it still sends."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _kills

    _kills.run(role)
