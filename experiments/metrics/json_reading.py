"""Reading JSON: the memory that a document takes while it is read, how that grows with it, and how long it takes.

The peak is that of a process that does nothing else, beyond what it held before. The kernel may count some pages late,
so a few hundred kilobytes mean nothing.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def growth(record: Record) -> float | Missing:
    """Compute the bytes that the peak grows by, a byte of input."""
    sizes = number(record, "small_bytes"), number(record, "large_bytes")
    peaks = number(record, "small_peak_bytes"), number(record, "large_peak_bytes")
    small, large = sizes
    low, high = peaks
    if isinstance(small, Missing) or isinstance(large, Missing) or large <= small:
        return Missing("no two documents were written")
    if isinstance(low, Missing) or isinstance(high, Missing):
        return Missing("one of the documents was not read")
    return (high - low) / (large - small)


def was_read(record: Record) -> float | Missing:
    """Compute whether the large document was read."""
    if isinstance(number(record, "large_bytes"), Missing):
        return Missing("no document was written")
    return 0.0 if isinstance(number(record, "large_read_s"), Missing) else 1.0


METRICS = (
    Metric(
        name="json_growth",
        title="Bytes of memory a byte of JSON",
        unit="ratio",
        better="lower",
        formula="(peak with the large document − with one a quarter as large) ÷ the difference of their sizes",
        compute=growth,
        comparable=False,
    ),
    Metric(
        name="json_peak",
        title="Peak memory while JSON is read",
        unit="bytes",
        better="lower",
        formula="largest resident memory of a process that reads the document − that before",
        compute=partial(number, name="large_peak_bytes"),
    ),
    Metric(
        name="json_time",
        title="Time to read JSON",
        unit="s",
        better="lower",
        formula="from opening the file until every record was looked at",
        compute=partial(number, name="large_read_s"),
    ),
    Metric(
        name="json_first",
        title="Time to the first record of JSON",
        unit="s",
        better="lower",
        formula="from opening the file until the first record can be looked at",
        compute=partial(number, name="large_first_s"),
    ),
    Metric(
        name="json_read",
        title="Documents read",
        unit="ratio",
        better="higher",
        formula="1 where the large document was read, 0 where the kernel ended the reader for want of memory",
        compute=was_read,
        counts_failures=True,
    ),
)
