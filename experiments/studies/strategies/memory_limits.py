"""Memory limits: agents share 512 MB, and one of them wants more than there is; what does a limit of its own save?

Three agents, each a process, are asked in turn. In ``spike`` every so many requests one of the first agent wants more
memory than all may have; in ``leak`` every request of the first agent leaves some of its memory behind. An agent that
ended is started again at once, in every way. ``unlimited`` has the limit of all alone, at which the kernel kills. With
``limited`` each agent has a limit of its own: Python then raises an error that fails the request, and Node, whose limit
is of its heap, ends the process. ``recycled`` replaces an agent that holds much when it has answered, and
``limited-recycled`` does both. Nothing is compared across runtimes.
"""

from __future__ import annotations

from itertools import product

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, narrowed, twins

PART = "memory-limits"
QUESTION = "one agent wants more memory than all have: what does a limit of its own, or a fresh start, save?"
MEASURES = (
    "limits_crash_share",
    "limits_answered",
    "limits_starts",
    "total_time",
)
PRIMARY = 2
REFERENCES = ("unlimited",)

LIMIT_MIB, QUOTA_MIB = 128, 80
"""An agent's limit, and what it may hold after a request before it is replaced, in MiB: a request fits in between."""

WAYS: dict[str, dict[str, Scalar]] = {
    "unlimited": {"limit_mib": 0, "quota_mib": 0},
    "limited": {"limit_mib": LIMIT_MIB, "quota_mib": 0},
    "recycled": {"limit_mib": 0, "quota_mib": QUOTA_MIB},
    "limited-recycled": {"limit_mib": LIMIT_MIB, "quota_mib": QUOTA_MIB},
}
RUNTIMES = ("python", "node")

FAULTS: dict[str, dict[str, Scalar]] = {
    # Every twelfth request wants 640 MiB, where all together may have 512.
    "spike": {"fault": "spike", "requests": 36, "every": 12, "excess_mib": 640},
    # Each request of the first agent, a third of all, leaves 48 MiB behind: 768 in all, more than there is once.
    "leak": {"fault": "leak", "requests": 48, "every": 3, "excess_mib": 48},
}
"""What goes wrong, and how often."""

_PROFILE = "512mb"
_SMOKE = (("python", "spike", "unlimited"), ("python", "spike", "limited"))
_TRIAL_S = {"python": 1.2, "node": 2.0}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a runtime, fault and way."""
    preset = narrowed(request).preset
    faults = ("spike",) if preset == "quick" else tuple(FAULTS)
    found = [_cell(*each) for each in product(RUNTIMES, faults, WAYS) if preset != "smoke" or each in _SMOKE]
    if preset in GRADED:
        found += twins(cell for cell in found if cell.subject == "limited" and cell.condition["fault"] == "spike")
    return found


def _cell(runtime: str, fault: str, subject: str) -> Cell:
    return Cell(
        part=PART,
        condition={"part": PART, "runtime": runtime, **FAULTS[fault], "profile": _PROFILE},
        subject=subject,
        settings=WAYS[subject],
        profile=_PROFILE,
        requires=() if runtime == "python" else (runtime,),
        labels=("no model runs: memory is held as an agent holds it",),
        estimate_s=_TRIAL_S[runtime],
        timeout_s=60.0,
    )


def run(role: Role) -> None:
    """Ask the agents, some of them for too much, and note what was answered and who died."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _limits

    _limits.run(role)
