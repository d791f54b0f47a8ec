"""Analysis by a program that may misbehave: whether it was contained, how late, in what memory, with what left behind.

A call is *contained* where it ends as is due: in a report where the program does its work, in an error of that call
where it does not; where the ordinary call beside it got its report; where both returned within half a second of the
deadline; and where nothing of it still runs a tenth of a second later. (An agent that is killed cannot return: what it
started may then run as long as the deadline.) A call that never returns is given up, and counts with the time that was
waited for it, so that its overrun is at least so long; one whose agent died counts with the time of its death.

Memory is the agent's own, without its children's: what a program's output, or the program, makes of it.
"""

from __future__ import annotations

import statistics

from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing


def contained(record: Record) -> float | Missing:
    """Compute the share."""
    seen = _series(record, "analysis_contained")
    return seen if isinstance(seen, Missing) else statistics.fmean(seen)


def overrun(record: Record) -> float | Missing:
    """Compute the longest overrun; 0 where every call returned in time."""
    returned, deadline_s = _series(record, "analysis_returned_s"), number(record, "analysis_deadline_s")
    if isinstance(returned, Missing) or isinstance(deadline_s, Missing):
        return Missing("no analysis was called")
    return max(0.0, max(returned) - deadline_s)


def parent_memory(record: Record) -> float | Missing:
    """Compute the largest growth."""
    grown = _series(record, "analysis_grown_bytes")
    return grown if isinstance(grown, Missing) else max(0.0, *grown)


def left(record: Record) -> float | Missing:
    """Compute the mean."""
    seen = _series(record, "analysis_left")
    return seen if isinstance(seen, Missing) else statistics.fmean(seen)


def returned(record: Record) -> float | Missing:
    """Compute the median."""
    seen = _series(record, "analysis_returned_s")
    return seen if isinstance(seen, Missing) else statistics.median(seen)


def _series(record: Record, name: str) -> list[float] | Missing:
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return part.series.get(name) or Missing("no analysis was called")


METRICS = (
    Metric(
        name="analysis_contained",
        title="Analyses contained",
        unit="ratio",
        better="higher",
        formula="calls that ended as is due, alone, in time and with nothing left ÷ calls",
        compute=contained,
        comparable=False,
        counts_failures=True,
    ),
    Metric(
        name="analysis_overrun",
        title="Overrun of an analysis's deadline",
        unit="s",
        better="lower",
        formula="longest time by which a call returned, or was given up, after its deadline; 0 where none did",
        compute=overrun,
        comparable=False,
        counts_failures=True,
    ),
    Metric(
        name="analysis_parent_memory",
        title="Growth of the agent that calls an analysis",
        unit="bytes",
        better="lower",
        formula="largest growth of the resident memory of the agent's own process during a call, at its peak",
        compute=parent_memory,
        comparable=False,
        counts_failures=True,
    ),
    Metric(
        name="analysis_left",
        title="Left of an analysis",
        unit="count",
        better="lower",
        formula="processes, and threads of the agent's, that still run after a call, on average over the calls",
        compute=left,
        comparable=False,
        counts_failures=True,
    ),
    Metric(
        name="analysis_return_p50",
        title="Time of an analysis, P50",
        unit="s",
        better="lower",
        formula="median time until a call returned, or was given up",
        compute=returned,
        counts_failures=True,
    ),
)
