"""Upkeep of a database: what old versions of rows cost that were not vacuumed, and what working memory brings a sort.

A state that is written over leaves its old version in the table until a vacuum. Reading goes over all of them, and the
table and its indexes grow. The time to write is that of all rounds, each on the disk when it is told so; vacuums are
told apart. A sort that does not fit into its working memory goes by way of files. Its memory is read on a thread, every
10 ms, in a round of its own that is not timed: the largest sum over all processes beyond what they held before it.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric

METRICS = (
    Metric(
        name="upkeep_read_time",
        title="Time to read all states after they were written over",
        unit="s",
        better="lower",
        formula="median of five counts and sums over all states, after the last round",
        compute=partial(number, name="upkeep_read_s"),
    ),
    Metric(
        name="upkeep_table_bytes",
        title="Size of the states' table with its indexes",
        unit="bytes",
        better="lower",
        formula="bytes of the table and its indexes after the last round",
        compute=partial(number, name="upkeep_table_bytes"),
    ),
    Metric(
        name="upkeep_write_time",
        title="Time to write all states over, all rounds together",
        unit="s",
        better="lower",
        formula="sum of the rounds' statements, each until its commit is on the disk; vacuums left out",
        compute=partial(number, name="upkeep_write_s"),
    ),
    Metric(
        name="upkeep_vacuum_time",
        title="Time to vacuum, all rounds together",
        unit="s",
        better="lower",
        formula="sum of the vacuums between the rounds; 0 where there are none",
        compute=partial(number, name="upkeep_vacuum_s"),
        comparable=False,
    ),
    Metric(
        name="upkeep_sort_time",
        title="Time until all sessions have sorted",
        unit="s",
        better="lower",
        formula="from the first call until the last session has its answer",
        compute=partial(number, name="upkeep_sort_s"),
    ),
    Metric(
        name="upkeep_sort_memory",
        title="Most memory while all sessions sort",
        unit="bytes",
        better="lower",
        formula="largest sum of anonymous bytes of all processes − the sum before, in a round that is not timed",
        compute=partial(number, name="upkeep_sort_bytes"),
    ),
    Metric(
        name="upkeep_spilled_bytes",
        title="Bytes that one sort writes to working files",
        unit="bytes",
        better="lower",
        formula="blocks of working files that the server says one sort has written × 8 KiB",
        compute=partial(number, name="upkeep_spilled_bytes"),
        comparable=False,
    ),
)
