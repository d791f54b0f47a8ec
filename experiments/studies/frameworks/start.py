"""From the start of a system's process to its first reply, and what it then holds while nobody asks.

A trial starts the system twice, each time with an empty memory. The first start reads its files from the disk, as far
as nobody else has just read them; the second finds them in memory, and is the one that counts.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import subjects
from experiments.studies.frameworks._levels import IDLE_S, STARTS
from experiments.workloads.framework_levels import WINDOW

PART = "start"
QUESTION = "how long is it from a system's start to its first reply, and what does it hold while nobody asks?"
MEASURES = ("system_start", "system_idle_memory", "system_ready", "system_first_start", "system_idle_cpu")
PRIMARY = 2


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject: a start knows no history, so the two conditions are one here."""
    found = [
        _compared.cell(
            PART,
            subject,
            WINDOW,
            {"starts": STARTS},
            services=("endpoint",),
            estimate_s=STARTS * subject.start_s + IDLE_S,
        )
        for subject in subjects(request)
    ]
    return _compared.armed(request, found, lambda _: True)


def run(role: Role) -> None:
    """Start the system, and note how long it took and what it holds."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _start

    _start.run(role)
