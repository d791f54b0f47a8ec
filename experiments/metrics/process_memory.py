"""The memory of the subject's processes at a moment, in bytes: anonymous (heap and stacks) and mapped files apart.

Anonymous bytes are what must fit; file bytes are pages of mapped files, a model above all, that the kernel may drop and
read again. All processes inside the limits count. Of one process they are the pages it has. Of several they are the sum
of each one's part: a page that n processes share counts an n-th for each, so that what a fork left shared counts once
(a library that a process outside the limits maps too then counts less than whole among the file bytes). Neither counts
the page cache of files that were read but not mapped, nor processes outside the limits.
"""

from __future__ import annotations

from typing import Literal

from experiments.measuring.records import MemorySample, Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

Kind = Literal["anonymous", "file"]

UNTOLD = "this kernel does not tell the anonymous memory of several processes from their files (Linux 5.4 does)"


def of_kind(sample: MemorySample, kind: Kind) -> int | None:
    """Return the bytes of one kind; None where the kernel did not tell the two apart."""
    return sample.anonymous_bytes if kind == "anonymous" else sample.file_bytes


def memory_at(record: Record, moment: str, kind: Kind) -> float | Missing:
    """Compute the memory of the subject's processes of one kind at one moment."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    sample = part.memory.get(moment)
    if sample is None:
        return Missing(f"no memory was read at {moment}")
    held = of_kind(sample, kind)
    return Missing(UNTOLD) if held is None else float(held)


def _metric(moment: str, kind: Kind) -> Metric:
    words = moment.replace("_", " ")
    return Metric(
        name=f"memory_at_{moment}" if kind == "anonymous" else f"file_memory_at_{moment}",
        title=f"{kind.capitalize()} memory at {words}",
        unit="bytes",
        better="lower",
        formula=f"{kind} bytes of the subject's processes at {words}",
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
