"""How near two questions must lie for one's reply to serve the other: what was measured, encoder by encoder.

``thresholds.json`` is written by ``python -m tests.benchmarks.semantic_threshold`` from the settling split of the
paired questions, and by nobody's hand. An encoder that is not in it has no threshold: .9 of one is .6 of another.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

import msgspec

from systems.errors import BadInput

FILE = "thresholds.json"


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least cosine of two questions, and the least share of their words of substance that both must say."""

    similarity: float
    least_shared: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point of the curve: of so many pairs that should hit and that should not, the shares that did.

    ``worst_false`` is the share in the worst kind of pair of the worst family.
    """

    threshold: Threshold
    hits: float
    false_hits: float
    worst_false: float


class MeasuredThreshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The curve of one encoder, and the point of it that is used; none if no point had few enough false hits.

    ``without_gate`` is the point that a cache without the gate would use, for comparison.
    """

    encoder: str
    alike: int
    different: int
    chosen: Point | None
    without_gate: Point | None
    curve: list[Point]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured, on which split, with which pairs, and how many false hits were allowed there."""

    schema_version: int
    split: str
    seeds: int
    most_false: float
    encoders: list[MeasuredThreshold]


def measured() -> Thresholds:
    """Return what was measured. Raises `BadInput` if the file is missing or none."""
    try:
        return msgspec.json.decode((files(__package__) / FILE).read_bytes(), type=Thresholds)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"The measured thresholds of the semantic cache ({FILE}) cannot be read: {error}.") from error


def measured_for(identity: str) -> MeasuredThreshold:
    """Return what was measured for the encoder called ``identity``. Raises `BadInput` if nothing was."""
    known = measured().encoders
    for one in known:
        if one.encoder == identity:
            return one
    names = ", ".join(one.encoder for one in known) or "none yet"
    raise BadInput(
        f"The semantic cache has no measured threshold for the encoder {identity} (measured: {names}); "
        "run python -m tests.benchmarks.semantic_threshold with it, or give a threshold."
    )


def threshold_of(identity: str) -> Threshold:
    """Return the threshold measured for the encoder called ``identity``. Raises `BadInput` if none was."""
    chosen = measured_for(identity).chosen
    if chosen is None:
        raise BadInput(f"No threshold keeps the encoder {identity} from false hits: see {FILE}.")
    return chosen.threshold
