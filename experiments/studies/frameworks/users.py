"""Many users at once: how many are answered a second, how long do they wait, and what does a request cost?

The users are the load study's: over a socket, from outside the limits, the next question when the last is answered.
Behind the server each system runs in its own process; the endpoint says each reply after a stated time, many at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import NO_MODEL, subjects
from experiments.workloads.endpoint.service import REPLY_S, PacedEndpoint
from experiments.workloads.framework_levels import WINDOW

PART = "users"
QUESTION = "many users at once: how many are answered a second, how long do they wait, what does a request cost?"
MEASURES = (
    "throughput",
    "latency_p95",
    "success_rate",
    "cpu_per_request",
    "latency_p50",
    "time_to_first_token_p50",
    "group_peak_memory",
    "client_lag_p99",
)
PRIMARY = 4

# Users, and turns of each.
_USERS: dict[Preset, tuple[tuple[int, int], ...]] = {
    "smoke": ((2, 2),),
    "quick": ((10, 3),),
    "paper": ((1, 20), (10, 10), (50, 6), (100, 4)),
}
_USUAL_USERS = ((1, 10), (10, 4), (50, 3))
_START_S = 1.0  # the client, and the server around the system


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject and number of users, where each uses one window; the large presets try defaults too."""
    return _compared.armed(request, [*_cells(request)], lambda _: True)


def _cells(request: GridRequest) -> Iterator[Cell]:
    # So short conversations fill no window: only the way to a prompt differs.
    for window in (WINDOW, 0) if request.preset in ("wide", "paper") else (WINDOW,):
        for users, turns in _USERS.get(request.preset, _USUAL_USERS):
            for subject in subjects(request):
                yield _compared.cell(
                    PART,
                    subject,
                    window,
                    {"users": users, "turns": turns, "arrivals": "closed"},
                    services=(PacedEndpoint.name,),
                    labels=(f"{NO_MODEL}, each {REPLY_S * 1000:g} ms after it was asked for",),
                    estimate_s=_START_S + subject.start_s + _asking_s(subject, users, turns),
                )


def _asking_s(subject: _compared.ComparedSystem, users: int, turns: int) -> float:
    if subject.system == "baseline":
        return users * turns * REPLY_S  # one after another
    return turns * max(REPLY_S, users * subject.turn_s)


def run(role: Role) -> None:
    """Serve until the client has finished."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _users

    _users.serve(role)


def run_client(role: Role) -> None:
    """Be all the users."""
    from experiments.studies.frameworks import _users

    _users.use(role)
