"""Vector index: a graph of neighbours (HNSW) against a scan of all rows, with and without a filter, after removals.

Both hold the same rows as whole numbers of 32 bits and look for the ten nearest, one question at a time. The graph has
the settings that are published: 16 connections, 200 looked at when a row is added, 50 when one is looked for. The last
of these is swept: it is what trades recall for time.
"""

from __future__ import annotations

from importlib.util import find_spec

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._vector_index_names import GRAPH, GRAPH_INT8, SCAN
from experiments.workloads import vectors as workload
from experiments.workloads.vectors import CLUSTERS

PART = "vector-index"
QUESTION = (
    "the ten nearest by a graph or by a scan of all: which are found, how soon, and what do building and removing cost?"
)
MEASURES = (
    "nearest_p50",
    "index_recall",
    "index_build_time",
    "vectors_anonymous",
    "index_filtered_p50",
    "index_filtered_recall",
    "index_removing_time",
    "index_recall_removed",
    "nearest_p95",
    "vectors_peak_memory",
)
PRIMARY = 4

REFERENCES = (SCAN,)

WORDS = "wordllama"
"""The encoder whose vectors of texts are looked for: no other makes so many in the time of a trial."""

LACKING = "the package usearch is not installed (`pip install usearch`, the extra `strategies` of this package)"
POINTS = "vectors of no text: points around common centres"

_ARMED = (WORDS, 10_000, 0)

# Kinds of vectors, how many of them, and how many numbers a point has; what an encoder makes has its own width.
_STANDARD = (
    (WORDS, 1_000, 0),
    _ARMED,
    (WORDS, 100_000, 0),
    (CLUSTERS, 10_000, 64),
    (CLUSTERS, 10_000, 1_024),
)
_WIDE = (*_STANDARD, (CLUSTERS, 1_000, 384), (CLUSTERS, 10_000, 384))
_PLACES: dict[Preset, tuple[tuple[str, int, int], ...]] = {
    "smoke": ((CLUSTERS, 500, 32),),
    "quick": ((WORDS, 1_000, 0), (CLUSTERS, 5_000, 64)),
    "standard": _STANDARD,
    "wide": _WIDE,
    "paper": (*_WIDE, (CLUSTERS, 100_000, 384)),
}
_QUERIES: dict[Preset, int] = {"smoke": 20}
_USUAL_QUERIES = 100
_SUBJECTS: dict[Preset, tuple[str, ...]] = {"wide": (SCAN, GRAPH, GRAPH_INT8), "paper": (SCAN, GRAPH, GRAPH_INT8)}
_USUAL_SUBJECTS = (SCAN, GRAPH)

_LARGE = 100_000
_TEXT_WIDTH = 256  # of WordLlama's vectors

# Seconds, for estimates: a trial without its rows; a row made, of a text; a row added to a graph, a number of it.
_START_S, _MADE_S, _ADDED_S = 1.0, 0.00015, 1e-6


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way of looking, kind of vectors, their number and width."""
    found = [
        _cell(request.preset, place, subject)
        for place in _PLACES[request.preset]
        for subject in _SUBJECTS.get(request.preset, _USUAL_SUBJECTS)
    ]
    if request.preset in GRADED:
        armed = _condition(request.preset, _ARMED)
        found += twins(cell for cell in found if cell.condition == armed and cell.subject in _USUAL_SUBJECTS)
    return found


def _cell(preset: Preset, place: tuple[str, int, int], subject: str) -> Cell:
    kind, count, width = place
    adding_s = 0.0 if subject == SCAN else count * (width or _TEXT_WIDTH) * _ADDED_S
    return Cell(
        part=PART,
        condition=_condition(preset, place),
        subject=subject,
        impossible=_impossible(kind, subject),
        labels=(POINTS,) if kind == CLUSTERS else (),
        # To add so many rows to a graph takes a minute or more: one block shows where the two ways part.
        blocks=1 if count >= _LARGE and preset != "paper" else None,
        estimate_s=_START_S + count * _MADE_S + adding_s,
        timeout_s=180 + count / 50,
    )


def _condition(preset: Preset, place: tuple[str, int, int]) -> dict[str, Scalar]:
    kind, count, width = place
    condition: dict[str, Scalar] = {"part": PART, "vectors": kind, "count": count}
    if width:
        condition["width"] = width
    return condition | {"queries": _QUERIES.get(preset, _USUAL_QUERIES)}


def _impossible(kind: str, subject: str) -> str:
    if subject != SCAN and find_spec("usearch") is None:
        return LACKING
    return "" if workload.installed(kind) else f"the encoder {kind} is not on this machine (`fourgig model get {kind}`)"


def run(role: Role) -> None:
    """Build what the subject looks in, ask it, ask it with a filter, remove rows, and ask again."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _vector_index

    _vector_index.run(role)
