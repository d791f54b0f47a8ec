"""What several metrics read from a record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.measuring.records import Part, Record, RequestRow
from experiments.metrics.interface import Missing


def rows(record: Record) -> list[RequestRow] | Missing:
    """Return the trial's requests: the client's rows if a client drove the trial, else the subject's."""
    part = record.part("client") or record.part("subject")
    if part is None or not part.requests:
        return Missing("no requests were made")
    return part.requests


def ok_rows(record: Record) -> list[RequestRow] | Missing:
    """Return the requests that were answered."""
    found = rows(record)
    if isinstance(found, Missing):
        return found
    return [row for row in found if row.outcome == "ok"] or Missing("no request was answered")


def subject(record: Record) -> Part | Missing:
    """Return the subject's part."""
    for part in record.parts:  # hundreds of metrics ask for it in every trial
        if part.role == "subject":
            return part
    return Missing("the subject wrote nothing")


def number(record: Record, name: str) -> float | Missing:
    """Return the subject's value called ``name``."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return part.values[name] if name in part.values else Missing(f"the subject noted no {name}")


def percentile(values: Sequence[float], percent: float, of: str) -> float | Missing:
    """Return the percentile of ``values``, linear between the two nearest; Missing when there are none."""
    return float(np.percentile(values, percent)) if len(values) else Missing(f"no {of} was recorded")
