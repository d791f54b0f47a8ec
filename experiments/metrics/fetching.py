"""Fetching: how long all pages took together, how many came, and what the process held and computed meanwhile.

A page came if its document holds the sentence that only it says. Those that the site breaks on purpose are not among
the pages that could come. The time is that of all pages: where some did not come less was done, and there is none.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def took(record: Record) -> float | Missing:
    """Compute the time, if every page came."""
    share = came(record)
    if isinstance(share, Missing):
        return share
    return number(record, "fetch_s") if share == 1 else Missing("not every page came: less was fetched")


def came(record: Record) -> float | Missing:
    """Compute the share of the pages."""
    served, had = number(record, "pages_served"), number(record, "pages_had")
    if isinstance(served, Missing) or isinstance(had, Missing) or not served:
        return Missing("no pages were fetched")
    return had / served


def cpu(record: Record) -> float | Missing:
    """Compute the processor time, less what reading the process's memory took, where the trial noted that apart."""
    used, reading = number(record, "fetch_cpu_s"), number(record, "fetch_sampling_cpu_s")
    if isinstance(used, Missing):
        return used
    return used if isinstance(reading, Missing) else max(0.0, used - reading)


METRICS = (
    Metric(
        name="fetching_time",
        title="Time to fetch all pages",
        unit="s",
        better="lower",
        formula="from the call to its return, with connecting, reading and extraction; none where a page did not come",
        compute=took,
    ),
    Metric(
        name="fetching_came",
        title="Pages that came",
        unit="ratio",
        better="higher",
        formula="documents that hold their page's sentence ÷ pages that the site serves whole",
        compute=came,
        counts_failures=True,
    ),
    Metric(
        name="fetching_memory",
        title="Most anonymous memory while fetching",
        unit="bytes",
        better="lower",
        formula="largest of samples of the process's anonymous bytes, one every 10 ms",
        compute=partial(number, name="fetch_peak_bytes"),
    ),
    Metric(
        name="fetching_cpu",
        title="Processor time of fetching",
        unit="s",
        better="lower",
        formula="processor time of the process from the call to its return, less what reading its memory took the lab; "
        "trials that did not note that still have it",
        compute=cpu,
    ),
)
