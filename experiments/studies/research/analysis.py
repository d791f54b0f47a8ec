"""Analysis: what a program that misbehaves does to the agent that called it, by where it runs.

The same function is called in the event loop, on a thread, in a subprocess as the source lists it, and in an
overseen process. Beside each call the agent makes an ordinary one, which is to be answered as if nothing were amiss.
Every repetition has an agent of its own, a process that a program may take down. A call that never returns is given
up, and counts with the time that was waited for it.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.research._analysis_names import CASES, SUBJECTS, WORKS

PART = "analysis"
QUESTION = "a program that works, fails, hangs, floods or leaves something: is it contained, in time, in what memory?"
MEASURES = (
    "analysis_contained",
    "analysis_overrun",
    "analysis_parent_memory",
    "analysis_left",
    "analysis_return_p50",
)
PRIMARY = 4

_FEW = 9  # of the cases, from the first
_SHOWN: dict[Preset, tuple[str, ...]] = {
    "smoke": ("crashes", "prints-noise"),
    "quick": ("crashes", "hangs-with-grandchild"),
    "standard": CASES[:_FEW],
}
"""The cases of the shorter presets; all of them in the others."""

PUBLISHED_DEADLINE_S, DEADLINE_S = 15.0, 1.0
# A call that ends soon is repeated as often as fits into these seconds; one that hangs is made once.
_REPEATED_S: dict[Preset, float] = {"smoke": 0.0, "quick": 0.3, "standard": 0.8, "wide": 0.8, "paper": 5.0}
_TRIAL_S, _HANGS_S = 0.5, 1.4


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a case and subject."""
    repeated_s = _REPEATED_S[request.preset]
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "case": case, "deadline_s": DEADLINE_S},
            subject=subject,
            settings={"repeated_s": repeated_s},
            labels=(f"the deadline is shortened from {PUBLISHED_DEADLINE_S:g} s to {DEADLINE_S:g} s; no model runs",),
            estimate_s=_TRIAL_S + max(repeated_s, _HANGS_S if "hang" in case else 0.2),
            timeout_s=120.0,
        )
        for case in _SHOWN.get(request.preset, CASES)
        for subject in SUBJECTS
    ]
    if request.preset in GRADED:
        found += twins(cell for cell in found if cell.condition["case"] == WORKS)
    return found


def run(role: Role) -> None:
    """Have agents call the program, one after another, and note what came of each call and of its agent."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _analysing

    _analysing.run(role)
