"""Start-up: a moment − the spawn of the subject's process, in seconds, for three moments.

``ready`` is when the subject says it can take a request, ``first_reply`` and ``second_reply`` when those
were complete. A system can be ready early by postponing work: then the first reply, not readiness, is what
the user waits for. The interpreter's own start is included; evicting the page cache beforehand is not.
"""

from __future__ import annotations

from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing
from experiments.records import Record


def since_spawn(record: Record, mark: str) -> float | Missing:
    """Compute the time from the spawn to ``mark``."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if mark not in part.marks:
        return Missing(f"the subject never marked {mark}")
    return part.marks[mark] - record.outside.spawned_s


def _metric(mark: str, words: str) -> Metric:
    return Metric(
        name=f"time_to_{mark}",
        title=f"Time to {words}",
        unit="s",
        better="lower",
        formula=f"{words} − spawn of the subject",
        compute=lambda record: since_spawn(record, mark),
    )


METRICS = (
    _metric("ready", "ready"),
    _metric("first_reply", "first reply"),
    _metric("second_reply", "second reply"),
)
