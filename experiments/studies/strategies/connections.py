"""Connections: one for each request, or kept and pooled, over HTTP and WebSocket; and what a pool does with dead ones.

The server stands inside the limits and does nothing but answer, so that the time of a request is its overhead; the
client outside them asks as an agent asks a tool. In most conditions all goes well. In others the server drops the
connections that wait, again and again: it closes them, as servers do with what nobody asks on (``drops`` "closed"), or
falls silent on them, as a lost route does ("silent").
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "connections"
QUESTION = "a connection a request or pooled ones, HTTP and WebSocket: what is saved, and what becomes of dead ones?"
MEASURES = (
    "request_overhead",
    "requests_answered",
    "request_cpu",
    "request_overhead_p99",
    "connections_opened",
)
PRIMARY = 3
REFERENCES = ("new-connection",)


_DEADLINE_S, _HURRIED_S = 10.0, 0.25  # of a request; where connections die an answer is not waited for long

_FEW = 4
_POOLED: dict[str, Scalar] = {"keeps": True, "looks": True, "pings": False, "again": True, "most": 0}
SUBJECTS: dict[str, dict[str, Scalar]] = {
    "new-connection": {**_POOLED, "keeps": False},
    "pooled": _POOLED,
    f"pooled-{_FEW}": {**_POOLED, "most": _FEW},
    "multiplexed": {"multiplexed": True},
    "unchecked": {**_POOLED, "looks": False, "again": False},
    "looked-at": {**_POOLED, "again": False},
    "pinged": {**_POOLED, "pings": True, "again": False},
    "asked-again": {**_POOLED, "looks": False},
}
"""What each does. There are ``most`` connections at once, 0 for as many as there are who ask. ``pooled`` has all care
that costs nothing while all goes well: it looks whether the other side has closed, and asks again where one fails."""

_CAREFUL = ("new-connection", "unchecked", "looked-at", "pinged", "asked-again")
_COMPARED = ("new-connection", "pooled")

_SIZES: dict[Preset, tuple[int, int]] = {"smoke": (4, 8), "quick": (10, 15), "standard": (20, 15), "paper": (50, 40)}
"""How many ask at once, and how often each does."""

_ROUNDS = 3  # of requests, with the connections that wait dropped after each but the last
_DROPPED_AT_ONCE = 4
_LABEL = "no model runs: the server answers at once"

# Seconds, for estimates: a trial with its client; a request on a new connection.
_TRIAL_S, _REQUEST_S = 0.6, 0.001


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way in every condition of the preset."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    # Each condition has arms of its own: what two equal trials differ by is another with many at once than with one.
    arms = (cell for cell in found if cell.subject in _COMPARED and cell.condition["drops"] == "none")
    return [*found, *(twins(arms) if preset in GRADED else ())]


def _cells(preset: Preset) -> Iterator[Cell]:
    at_once, each = _SIZES[preset]
    if preset == "smoke":
        yield from _in(_condition("http", at_once, each), _COMPARED)
        yield from _in(_condition("websocket", _DROPPED_AT_ONCE, each, drops="silent"), ("pinged",))
        return
    yield from _in(_condition("http", at_once, each), (*_COMPARED, f"pooled-{_FEW}"))
    yield from _in(_condition("websocket", at_once, each), (*_COMPARED, "multiplexed"))
    if preset == "quick":
        return
    one = 6 * each
    yield from _in(_condition("http", 1, one), _COMPARED)
    yield from _in(_condition("websocket", 1, one), _COMPARED)
    yield from _in(_condition("http", 1, one, tls=True), _COMPARED)
    yield from _in(_condition("http", _DROPPED_AT_ONCE, each, drops="closed"), (*_CAREFUL[:3], "asked-again"))
    yield from _in(_condition("websocket", _DROPPED_AT_ONCE, each, drops="silent"), _CAREFUL)
    if preset == "paper":
        yield from _in(_condition("websocket", 1, one, tls=True), _COMPARED)
        yield from _in(_condition("http", at_once, each, tls=True), _COMPARED)
        yield from _in(_condition("websocket", _DROPPED_AT_ONCE, each, drops="closed"), _CAREFUL)


def _condition(speaks: str, at_once: int, each: int, *, tls: bool = False, drops: str = "none") -> dict[str, Scalar]:
    return {
        "part": PART,
        "speaks": speaks,
        "tls": tls,
        "at_once": at_once,
        "requests": at_once * each,
        "rounds": 1 if drops == "none" else _ROUNDS,
        "drops": drops,
        "deadline_s": _DEADLINE_S if drops == "none" else _HURRIED_S,
    }


def _in(condition: dict[str, Scalar], subjects: Sequence[str]) -> Iterator[Cell]:
    lost_s = _ROUNDS * _HURRIED_S if condition["drops"] == "silent" else 0.0
    for subject in subjects:
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            settings=SUBJECTS[subject],
            impossible=_uncertified() if condition["tls"] else "",
            labels=(_LABEL,),
            estimate_s=_TRIAL_S + int(condition["requests"] or 0) * _REQUEST_S + lost_s,
        )


def _uncertified() -> str:
    return "" if shutil.which("openssl") else "the command openssl, which makes a certificate, is not here"


def run(role: Role) -> None:
    """Answer until the client has what it wanted."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _answering

    _answering.run(role)


def run_client(role: Role) -> None:
    """Ask what the condition says, in the way of the subject."""
    from experiments.studies.strategies import _connecting

    _connecting.run(role)
