"""JSON: a document of many records read whole, or record by record, in processes of their own.

Every way counts the records, adds up a number of each and finds the longest text, and must find what was written.
``read-whole`` is the standard library's, ``typed-whole`` decodes the two fields that are wanted and no others,
``streamed`` hands out a record at a time, ``rebuilt`` streams as the library does that the source names, which puts the
whole document together before it hands it out; ``lines`` reads the same records from a file with one a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "json"
QUESTION = "a large JSON document read whole or streamed: what memory does it take, and how long?"
MEASURES = ("json_growth", "json_peak", "json_time", "json_first", "json_read")
PRIMARY = 3
REFERENCES = ("read-whole",)

SUBJECTS = ("read-whole", "typed-whole", "streamed", "rebuilt", "lines")

_MEGABYTES: dict[Preset, int] = {"smoke": 1, "quick": 4, "standard": 32, "paper": 128}
_TIGHT, _TIGHT_MEGABYTES = "512mb", 160
"""Limits in which a document of that size is tried: those of a killed reader are what came of it."""

_STREAMS = ("streamed", "rebuilt")
_ARMED = ("read-whole", "streamed")
_LABEL = "no model runs: records of a stated form, from a file in the page cache"

# Seconds, for estimates: a trial with two processes of its own; a megabyte written and read.
_TRIAL_S = 1.0
_MEGABYTE_S = {"read-whole": 0.03, "typed-whole": 0.02, "streamed": 0.035, "rebuilt": 0.045, "lines": 0.03}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way, and where there is time those in limits that a whole document does not fit in."""
    preset = narrowed(request).preset
    compared = ("read-whole", "streamed") if preset == "smoke" else SUBJECTS
    found = [*_cells(_MEGABYTES[preset], compared)]
    if preset not in GRADED:
        return found
    arms = twins(cell for cell in found if cell.subject in _ARMED)
    return [*found, *arms, *_cells(_TIGHT_MEGABYTES, SUBJECTS, profile=_TIGHT, blocks=1)]


def _cells(
    megabytes: int, subjects: Sequence[str], *, profile: str | None = None, blocks: int | None = None
) -> Iterator[Cell]:
    condition: dict[str, Scalar] = {"part": PART, "megabytes": megabytes}
    if profile is not None:
        condition["profile"] = profile
    for subject in subjects:
        yield Cell(
            part=PART,
            condition=condition,
            subject=subject,
            profile=profile,
            blocks=blocks,
            impossible=_unstreamed() if subject in _STREAMS else "",
            labels=(_LABEL,),
            estimate_s=_TRIAL_S + megabytes * _MEGABYTE_S[subject],
        )


def _unstreamed() -> str:
    missing = "the package ijson is not installed; the extra `strategies` of this package brings it"
    return "" if find_spec("ijson") else missing


def run(role: Role) -> None:
    """Write documents and have them read."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _json

    _json.run(role)
