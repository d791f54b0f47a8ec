"""Importing a system's own code in a fresh interpreter: median over a trial's repetitions, in seconds and bytes.

The interpreter's time runs from the spawn to its first line, the import's from there to the system's class; its
anonymous bytes are by how much it grew meanwhile, together with the processes that the import started (each by its
part, so that pages that a fork left shared count once). What a system imports on first use is not included.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import percentile, subject
from experiments.metrics.interface import Metric, Missing


def median_of(record: Record, name: str) -> float | Missing:
    """Compute the median of the subject's series called ``name``."""
    part = subject(record)
    return part if isinstance(part, Missing) else percentile(part.series.get(name, []), 50, name)


def _metric(name: str, title: str, unit: str, series: str, formula: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit=unit,
        better="lower",
        formula=formula,
        compute=lambda record: median_of(record, series),
    )


METRICS = (
    _metric("interpreter_time", "Start of an interpreter", "s", "interpreter_s", "median of: first line − spawn"),
    _metric("import_time", "Import of the system", "s", "import_s", "median duration of importing the system's module"),
    _metric(
        "import_anonymous",
        "Anonymous memory of the import",
        "bytes",
        "import_anonymous_bytes",
        "median growth while importing the system's module",
    ),
)
