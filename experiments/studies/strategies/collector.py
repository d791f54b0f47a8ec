"""Collector: a service that holds conversations and makes cyclic garbage, with its garbage collector tuned or not.

The service answers as many requests in every way, one after another, in a process of its own; what is counted begins
when its conversations are there. In Python ``thresholds`` collects more rarely, ``frozen`` leaves out of every
collection what was there at the start, ``frozen-thresholds`` does both, and ``off`` never collects, so that what a
cycle holds stays. In Node ``semi-space`` is the published flag, and ``old-space`` bounds the heap near what the service
needs. Nothing is compared across runtimes.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "collector"
QUESTION = "a garbage collector as it comes, tuned, frozen or off: requests a second, pauses, memory?"
MEASURES = (
    "collector_throughput",
    "collector_peak",
    "collector_pause_max",
    "collector_latency_p99",
    "collector_share",
    "collector_latency_p50",
)
PRIMARY = 4
REFERENCES = ("untuned",)

WAYS: dict[str, dict[str, dict[str, Scalar]]] = {
    "python": {
        "untuned": {},
        # As in widely read advice: a first generation of fifty thousand, the others half as often.
        "thresholds": {"young": 50_000, "middle": 20, "old": 20},
        "frozen": {"freeze": True},
        "frozen-thresholds": {"young": 50_000, "middle": 20, "old": 20, "freeze": True},
        "off": {"off": True},
    },
    "node": {
        "untuned": {},
        "semi-space": {"flag": "--max-semi-space-size=64"},
        "old-space": {"flag": "--max-old-space-size={}"},
    },
}
"""The ways of each runtime, and what each sets on its collector."""

_OLD_SPACE_MIB = {500: 32, 5_000: 96}
"""A bound of Node's heap by conversations: what they take, and about half as much again."""

_SESSIONS: dict[Preset, tuple[int, ...]] = {"smoke": (500,), "quick": (5_000,)}
_MOST_SESSIONS = 5_000
_USUAL_SESSIONS = (500, _MOST_SESSIONS)
_REQUESTS: dict[str, dict[Preset, int]] = {
    "python": {"smoke": 200, "quick": 2_000, "standard": 4_000, "paper": 40_000},
    "node": {"smoke": 400, "quick": 4_000, "standard": 8_000, "paper": 80_000},
}
_SMOKE = ("untuned", "frozen", "semi-space")
_NO_MODEL = "no model runs: a request is read, linked, kept and answered"
_START_S, _SESSION_S = 0.5, 0.0001
_REQUEST_S = {"python": 0.00016, "node": 0.00006}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a runtime, number of conversations and way."""
    preset = narrowed(request).preset
    found = [*_cells(preset)]
    if preset in GRADED:
        found += twins(
            cell for cell in found if cell.subject == "untuned" and cell.condition["sessions"] == _MOST_SESSIONS
        )
    return found


def _cells(preset: Preset) -> Iterator[Cell]:
    for runtime, ways in WAYS.items():
        for sessions in _SESSIONS.get(preset, _USUAL_SESSIONS):
            requests = _REQUESTS[runtime][preset]
            for subject, settings in ways.items():
                if preset == "smoke" and subject not in _SMOKE:
                    continue
                yield Cell(
                    part=PART,
                    condition={"part": PART, "runtime": runtime, "sessions": sessions, "requests": requests},
                    subject=subject,
                    settings=_bounded(settings, sessions),
                    requires=() if runtime == "python" else (runtime,),
                    labels=(_NO_MODEL,),
                    estimate_s=_START_S + sessions * _SESSION_S + requests * _REQUEST_S[runtime],
                    timeout_s=60.0,
                )


def _bounded(settings: dict[str, Scalar], sessions: int) -> dict[str, Scalar]:
    """Return the settings with the bound of the heap for so many conversations."""
    if "flag" not in settings:
        return settings
    return {**settings, "flag": str(settings["flag"]).format(_OLD_SPACE_MIB[sessions])}


def run(role: Role) -> None:
    """Have the service answer the condition's requests with its collector set in the subject's way."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _collector

    _collector.run(role)
