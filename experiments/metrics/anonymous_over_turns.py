"""Anonymous memory over a conversation, of all the subject's processes: mean, peak, and what was added, in bytes.

The mean is the area under what was read after each turn (by trapezoids, from the first turn to the last), divided by
their number: turns are what systems have in common, seconds are not. The peak is the most that was read after a turn
or, where the group's memory was watched from outside, at any moment. What was added is the last reading less the
first; it has no meaningful ratio to another's. All contain the interpreter and the engine. Mapped files, as a model's
weights, are in none of them.
"""

from __future__ import annotations

import numpy as np

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

_NONE = Missing("no memory was read over the turns")


def anonymous_mean(record: Record) -> float | Missing:
    """Compute the area under the readings, divided by the turns it spans."""
    found = _readings(record)
    if isinstance(found, Missing):
        return found
    turns, sizes = found
    area = ((sizes[1:] + sizes[:-1]) / 2 * np.diff(turns)).sum()
    return float(area / (turns[-1] - turns[0]))


def anonymous_peak(record: Record) -> float | Missing:
    """Compute the largest reading."""
    found = _readings(record)
    if isinstance(found, Missing):
        return found
    outside = [sample.anonymous_bytes for sample in record.outside.timeline if sample.anonymous_bytes is not None]
    return float(max([*outside, found[1].max()]))


def anonymous_grown(record: Record) -> float | Missing:
    """Compute the last reading less the first."""
    found = _readings(record)
    return found if isinstance(found, Missing) else float(found[1][-1] - found[1][0])


def _readings(record: Record) -> tuple[np.ndarray, np.ndarray] | Missing:
    part = subject(record)
    if isinstance(part, Missing):
        return part
    turns, sizes = part.series.get("turn", []), part.series.get("anonymous_bytes", [])
    if len(sizes) < 2 or len(turns) != len(sizes):
        return _NONE
    return np.array(turns), np.array(sizes)


METRICS = (
    Metric(
        name="anonymous_mean",
        title="Anonymous memory over the conversation",
        unit="bytes",
        better="lower",
        formula="area under the anonymous bytes of the subject's processes after each turn ÷ turns",
        compute=anonymous_mean,
    ),
    Metric(
        name="anonymous_peak",
        title="Peak of anonymous memory",
        unit="bytes",
        better="lower",
        formula="largest anonymous bytes of the subject's processes after a turn, or of the group at any moment",
        compute=anonymous_peak,
    ),
    Metric(
        name="anonymous_grown",
        title="Anonymous memory added over the conversation",
        unit="bytes",
        better="lower",
        formula="anonymous bytes of the subject's processes after the last turn − after the first",
        compute=anonymous_grown,
        comparable=False,
    ),
)
