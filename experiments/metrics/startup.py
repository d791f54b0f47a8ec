"""Start-up: a moment − the start of the subject's interpreter, in seconds, for three moments.

``ready`` is when the subject says it can take a request, ``first_reply`` and ``second_reply`` when those
were complete. A system can be ready early by postponing work: then the first reply, not readiness, is what
the user waits for.

The start is the moment ``started``, noted by the process right before it replaces itself by a fresh interpreter:
what it read before that, to warm the page cache, is not included, and a cold start replaces itself all the same, so
that both are counted alike. Where a trial marks no such moment it is the spawn of the subject's process. The
interpreter's own start, and the import of the lab's code that asks the questions, are included.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing


def since_start(record: Record, mark: str) -> float | Missing:
    """Compute the time from the start to ``mark``."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if mark not in part.marks:
        return Missing(f"the subject never marked {mark}")
    return part.marks[mark] - part.marks.get("started", record.outside.spawned_s)


def _metric(mark: str, words: str) -> Metric:
    return Metric(
        name=f"time_to_{mark}",
        title=f"Time to {words}",
        unit="s",
        better="lower",
        formula=f"{words} − start of the subject's interpreter",
        compute=lambda record: since_start(record, mark),
    )


METRICS = (
    _metric("ready", "ready"),
    _metric("first_reply", "first reply"),
    _metric("second_reply", "second reply"),
)
