"""Making vectors of texts: how many a second, how long a call takes, and what the process holds of memory.

The rate counts the calls of the encoder alone, cutting texts into tokens included, after one call to warm up. The
anonymous bytes (heap, and the encoder's room for a batch; not its weights, which are a mapped file) are those after the
last call. How alike vectors are is the least cosine between a text's vector made in its batch and made alone: batches
add up in another order, so it may lie a little below 1.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing

_NONE = "vectors of texts"


def rate(record: Record) -> float | Missing:
    """Compute the texts a second."""
    part, made = subject(record), number(record, "embedded")
    if isinstance(part, Missing) or isinstance(made, Missing):
        return Missing(f"no {_NONE} were made")
    return made / sum(part.series["embedding_call_s"])


def wait(record: Record) -> float | Missing:
    """Compute the median time of a call."""
    part = subject(record)
    return part if isinstance(part, Missing) else percentile(part.series.get("embedding_call_s", []), 50, _NONE)


METRICS = (
    Metric(
        name="embedding_rate",
        title="Texts made into vectors",
        unit="1/s",
        better="higher",
        formula="texts ÷ time of all calls of the encoder",
        compute=rate,
    ),
    Metric(
        name="embedding_anonymous",
        title="Anonymous memory of making vectors",
        unit="bytes",
        better="lower",
        formula="the process's anonymous bytes after the last call",
        compute=partial(number, name="embedding_anonymous"),
    ),
    Metric(
        name="embedding_call_p50",
        title="Time until a batch has its vectors, P50",
        unit="s",
        better="lower",
        formula="median time of a call of the encoder",
        compute=wait,
    ),
    Metric(
        name="embedding_alike",
        title="Likeness of vectors made in a batch and alone",
        unit="ratio",
        better="higher",
        formula="least cosine between the two vectors of a text, of 16 texts",
        compute=partial(number, name="embedding_alike"),
        comparable=False,
    ),
)
