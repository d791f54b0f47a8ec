"""What memray saw: peak of the heap, peak of mapped files, number of allocations. From traced trials only.

The tracer slows the subject and counts a mapped file as an allocation, so mapped bytes are kept apart from
the heap. None of these compares with the kernel's figures: memray does not see pages that were allocated
and never touched as absent, nor the memory of the interpreter before it started.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric

METRICS = tuple(
    Metric(
        name=name,
        title=title,
        unit=unit,
        better="lower",
        formula=formula,
        compute=partial(number, name=value),
        traced=True,
    )
    for name, title, unit, formula, value in (
        ("heap_peak", "Heap, peak", "bytes", "largest total of live allocations", "heap_peak_bytes"),
        ("mapped_peak", "Mapped files, peak", "bytes", "largest total of mapped files", "mapped_peak_bytes"),
        ("allocations", "Allocations", "count", "number of allocations", "allocations"),
    )
)
