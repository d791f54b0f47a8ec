"""States: what the successive states of sessions take on disk, and how long it takes to have one again.

Every way stores the same states of the same sessions in one file, and can give back each of them; only ``newest``
forgets the earlier ones. What was learned from other sessions lies in the file too, and counts. What is restored is
compared with what was appended: a trial that gets anything else fails.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.states import KINDS

PART = "states"
QUESTION = "the successive states of sessions, stored in each way: how many bytes, how long until one is there again?"
MEASURES = ("states_bytes", "restore_p50", "restore_p95", "append_p50", "append_p95", "training_time", "learned_bytes")
PRIMARY = 2

_SPARSE = ("sparse", "sparse-zstd")
WAYS = (
    *("full", "zstd", "dictionary", "learned"),
    *("rows", "rows-zstd", "rows-dictionary", "rows-learned"),
    *("difference", "difference-dictionary", "difference-unbounded"),
    "newest",
    *_SPARSE,
)

_STEPS: dict[Preset, tuple[int, ...]] = {
    "smoke": (8,),
    "quick": (32,),
    "standard": (64,),
    "wide": (16, 64, 256),
    "paper": (16, 64, 256, 512),
}
_OTHER_KINDS_STEPS = 64  # chains of the kinds besides the conversation; in smoke as few as there
# What is enough to see that everything works.
_SMOKE = ("full", "rows-dictionary", "difference")
# In `quick`, and in `standard` of the kinds besides the conversation: what the claims compare.
_CLAIMED = ("full", "dictionary", "rows-dictionary", "difference")
_SLOWEST = "learned"
# A learned model reads a megabyte or two a second: longer chains, or larger states, would take most of a run's time.
_LEARNED_STEPS = 64


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way, kind of state and number of steps."""
    lengths = _STEPS[request.preset]
    conditions = [("conversation", steps) for steps in lengths]
    kinds = ("tools",) if request.preset in ("smoke", "quick") else KINDS
    conditions += [(kind, min(_OTHER_KINDS_STEPS, max(lengths))) for kind in kinds if kind != "conversation"]
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "states": kind, "steps": steps},
            subject=way,
            estimate_s=0.4 + steps / (20 if "learned" in way else 200),
            labels=("states made of common words drawn by Zipf's law",),
        )
        for kind, steps in conditions
        for way in WAYS
        if _shown(request.preset, way, kind, steps)
    ]
    if request.preset in GRADED:
        found += twins(
            cell
            for cell in found
            if cell.subject in ("rows-dictionary", "difference") and cell.condition["states"] == "conversation"
        )
    return found


def _shown(preset: Preset, way: str, kind: str, steps: int) -> bool:
    if preset == "smoke":
        return (kind == "conversation" and way in _SMOKE) or (kind == "tools" and way in _SPARSE)
    if way in _SPARSE:
        return kind == "tools"
    if preset == "quick" or (preset == "standard" and (way == _SLOWEST or kind != "conversation")):
        return way in _CLAIMED
    return "learned" not in way or (kind != "tools" and steps <= _LEARNED_STEPS)


def run(role: Role) -> None:
    """Append every state of every session, look at the file, open it anew and restore some of the states."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.density import _storing

    _storing.run(role)
