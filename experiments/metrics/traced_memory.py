"""What memray saw: peak of the heap, peak of mapped files, number of allocations. From traced trials only.

The tracer slows the subject and counts a mapped file as an allocation, so mapped bytes are kept apart from
the heap. None of these compares with the kernel's figures: memray does not see pages that were allocated
and never touched as absent, nor the memory of the interpreter before it started.

A process that the subject forked is traced too, and its figures are added: what it allocated after the fork. The peaks
are each process's own, which need not fall on one moment, so that the sum is the most that all could have held. A
process that was started by exec (a subprocess, a spawned worker) cannot be traced: ``untraced_processes`` counts those
that were seen, and where there are any the three others leave something out.
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
        (
            "heap_peak",
            "Heap, peak",
            "bytes",
            "largest total of live allocations, summed over the processes that could be traced",
            "heap_peak_bytes",
        ),
        (
            "mapped_peak",
            "Mapped files, peak",
            "bytes",
            "largest total of mapped files, summed over the processes that could be traced",
            "mapped_peak_bytes",
        ),
        (
            "allocations",
            "Allocations",
            "count",
            "number of allocations in the processes that could be traced",
            "allocations",
        ),
    )
)
