"""Leaks: after how many turns the line that leaks was named, and how many lines were named that do not leak.

A line is named once it has held more at each of three looks in succession, and by 8 KiB in all. Who watches the process
alone names no line: any alarm while something leaks counts as found, and any other as a place that does not leak. A
line that fills a cache which is not full yet is no leak, and is among those other places. Of a leak that cannot come to
8 KiB within three looks no way of looking can say anything: an alarm then is not of it.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

LOOKS, LEAST_BYTES = 3, 8_192
"""The rule by which something is named, which trials have from experiments/studies/strategies/_leak_names.py."""
_HEAD_BYTES = 41
"""What Python keeps of some bytes beside them: 33 as the object's head, and 8 for its place in a list."""


def noted(record: Record, name: str, otherwise: str) -> float | Missing:
    """Return a number of the subject; Missing where it noted none, for the reason ``otherwise``."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return part.values[name] if name in part.values else Missing(otherwise)


def found_after(record: Record) -> float | Missing:
    """Compute the turns until the leak was found, where these looks can find one of its size."""
    leaked, every = (int(record.spec.condition.get(name) or 0) for name in ("leaked_bytes", "every"))
    if leaked and LOOKS * every * (leaked + _HEAD_BYTES) < LEAST_BYTES:
        return Missing(f"below what these looks can find: {LOOKS * every} turns keep less than {LEAST_BYTES} bytes")
    return noted(record, "leak_found_after", "no leak was found")


METRICS = (
    Metric(
        name="leak_found_after",
        title="Turns until the leak was found",
        unit="count",
        better="lower",
        formula="turns answered when the line that leaks was named, or when an alarm was raised that names none; "
        "none where the leak is below what the looks can find",
        compute=found_after,
    ),
    Metric(
        name="leak_other_places",
        title="Places named that do not leak",
        unit="count",
        better="lower",
        formula="lines named at any look that are not the one that leaks",
        compute=partial(noted, name="leak_other_places", otherwise="nobody looked for a leak"),
        comparable=False,
    ),
    Metric(
        name="leak_memory",
        title="Anonymous memory at the end of looking",
        unit="bytes",
        better="lower",
        formula="anonymous bytes after the last turn, with what the way of looking holds",
        compute=partial(noted, name="leak_anonymous_bytes", otherwise="no memory was read"),
    ),
)
