"""The subject's own memory at a moment, in bytes: anonymous (heap and stacks) and file (mapped files) apart.

Anonymous bytes are what must fit; file bytes are pages of mapped files, a model above all, that the kernel
may drop and read again. Neither counts the page cache of files that were read but not mapped, nor other
processes.
"""

from __future__ import annotations

from typing import Literal

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

Kind = Literal["anonymous", "file"]


def memory_at(record: Record, moment: str, kind: Kind) -> float | Missing:
    """Compute the subject's memory of one kind at one moment."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    sample = part.memory.get(moment)
    if sample is None:
        return Missing(f"no memory was read at {moment}")
    return float(sample.anonymous_bytes if kind == "anonymous" else sample.file_bytes)


def _metric(moment: str, kind: Kind) -> Metric:
    words = moment.replace("_", " ")
    return Metric(
        name=f"memory_at_{moment}" if kind == "anonymous" else f"file_memory_at_{moment}",
        title=f"{kind.capitalize()} memory at {words}",
        unit="bytes",
        better="lower",
        formula=f"{kind} bytes of the subject's process at {words}",
        compute=lambda record: memory_at(record, moment, kind),
    )


METRICS = (
    _metric("ready", "anonymous"),
    _metric("first_reply", "anonymous"),
    _metric("second_reply", "anonymous"),
    _metric("ready", "file"),
    _metric("first_reply", "file"),
    _metric("second_reply", "file"),
)
