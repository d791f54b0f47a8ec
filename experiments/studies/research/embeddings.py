"""Relevance made in the loop, on a thread, in a pool of processes, in one shared process: time, loop delay, memory.

Several requests at once compare a question with texts of their own, equally many in every pattern. An encoder (MiniLM,
in llama.cpp) lets go of the interpreter's lock; comparing terms is Python, which holds it. Every pattern may use the
same two processors: an encoder has two threads, or one in each of two processes.
"""

from __future__ import annotations

from collections.abc import Iterator

from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins

PART = "embeddings"
QUESTION = "relevance to a question, made in the loop, on a thread, in processes or in one of all: time, delay, memory?"
MEASURES = (
    "total_time",
    "loop_delay_max",
    "relevance_peak_anonymous",
    "success_rate",
    "relevance_start_time",
    "relevance_processes",
)
PRIMARY = 3

PATTERNS = ("in-loop", "thread", "processes", "shared")
ENCODER, TERMS = "minilm", "terms"
PROCESSORS = 2

# Requests at once, and texts of each: as many as take seconds, and not so many that a block takes minutes.
_TEXTS: dict[Preset, dict[str, int]] = {
    "smoke": {ENCODER: 4, TERMS: 100},
    "quick": {TERMS: 800},
    "standard": {ENCODER: 12, TERMS: 800},
    "wide": {ENCODER: 12, TERMS: 800},
    "paper": {ENCODER: 32, TERMS: 3_200},
}
_REQUESTS: dict[Preset, tuple[int, ...]] = {
    "smoke": (2,),
    "quick": (8,),
    "standard": (8,),
    "wide": (1, 8),
    "paper": (1, 2, 8, 32),
}
_ARMED_REQUESTS = 8

# Guesses in seconds: a trial without the work, and a text's share of it in the traditional way.
_TRIAL_S, _TEXT_S = 1.5, {ENCODER: 0.015, TERMS: 0.0002}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a pattern, kind of work and number of requests."""
    found = list(_cells(request.preset))
    if request.preset in GRADED:
        found += twins(cell for cell in found if cell.condition["requests"] == _ARMED_REQUESTS)
    return found


def _cells(preset: Preset) -> Iterator[Cell]:
    for work, texts in _TEXTS[preset].items():
        for requests in _REQUESTS[preset]:
            for pattern in PATTERNS:
                yield Cell(
                    part=PART,
                    condition={
                        "part": PART,
                        "work": work,
                        "requests": requests,
                        "texts": texts,
                        "processors": PROCESSORS,
                    },
                    subject=pattern,
                    requires=(work,) if work == ENCODER else (),
                    estimate_s=_TRIAL_S + requests * texts * _TEXT_S[work],
                    timeout_s=120 + requests * texts * 20 * _TEXT_S[work],
                )


def run(role: Role) -> None:
    """Make ready, ask everything at once, and note what that took."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _embeddings

    work = str(role.spec.condition["work"])
    _embeddings.run(role, None if work == TERMS else work)
