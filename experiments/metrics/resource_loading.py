"""Loading one resource: the time it took, in seconds, and by how much memory grew, in bytes.

The memory is that of all the trial's processes, counted as `experiments.metrics.process_memory` does.

Anonymous memory is heap and stacks, file memory the pages of mapped files; a file that is only read, as jieba's
dictionary is, shows in neither. What a resource shares with one loaded before it is not counted again.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.measuring.resources import RESOURCES
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.process_memory import UNTOLD, Kind, of_kind


def grown(record: Record, resource: str, kind: Kind) -> float | Missing:
    """Compute what the processes held after ``resource`` − what it held before; before the interpreter, nothing."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    if resource not in part.memory:
        return Missing(f"{resource} was not loaded by itself")
    held = [of_kind(sample, kind) for sample in part.memory.values()]
    place = list(part.memory).index(resource)
    after, before = held[place], held[place - 1] if place else 0
    return Missing(UNTOLD) if after is None or before is None else float(after - before)


def _time(resource: str) -> Metric:
    return Metric(
        name=f"load_time_{resource}",
        title=f"Time to load: {resource}",
        unit="s",
        better="lower",
        formula=f"duration of loading: {resource}",
        compute=lambda record: number(record, f"{resource}_s"),
    )


def _memory(resource: str, kind: Kind) -> Metric:
    return Metric(
        name=f"load_{kind}_{resource}",
        title=f"{kind.capitalize()} memory of: {resource}",
        unit="bytes",
        better="lower",
        formula=f"{kind} bytes of the processes after loading, minus before: {resource}",
        compute=lambda record: grown(record, resource, kind),
    )


METRICS = (
    *(_time(resource) for resource in RESOURCES),
    *(_memory(resource, "anonymous") for resource in RESOURCES),
    *(_memory(resource, "file") for resource in RESOURCES),
)
