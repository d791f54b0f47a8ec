"""Making relevance: what all processes held at most while they did, how long making ready took, how many they were.

The peak is of anonymous bytes (heap and stacks) of every process inside the limits together, the subject's own
interpreter and the library's helpers included, read every 20 ms while requests are answered: what lasts less may be
missed. Pages of mapped files, an encoder's weights above all, are not in it: several processes share them.

The start is from nothing until every process has loaded what it needs. It is no cold start: the encoder's file may be
in the page cache.
"""

from __future__ import annotations

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric

METRICS = (
    Metric(
        name="relevance_peak_anonymous",
        title="Peak anonymous memory of all processes that make relevance",
        unit="bytes",
        better="lower",
        formula="largest sum of the anonymous bytes of all processes while requests are answered",
        compute=lambda record: number(record, "relevance_peak_anonymous_bytes"),
    ),
    Metric(
        name="relevance_start_time",
        title="Time until relevance can be made",
        unit="s",
        better="lower",
        formula="from nothing until every process has loaded what it needs, the file perhaps in the page cache",
        compute=lambda record: number(record, "relevance_start_s"),
    ),
    Metric(
        name="relevance_processes",
        title="Processes inside the limits while relevance is made",
        unit="count",
        better="neither",
        formula="processes inside the limits, the subject's own and the library's helpers included",
        compute=lambda record: number(record, "relevance_processes"),
        exact=True,
    ),
)
