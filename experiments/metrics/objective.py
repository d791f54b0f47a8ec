"""Service objective: the first token within 2 s *and* the whole reply within 10 s, both from the intended start.

The same for every system, model and condition, and stated before any run: ten seconds is about how long a user keeps
their attention on a dialogue (R. B. Miller, 1968; J. Nielsen, 1993), and two until the first word is Miller's limit
for a reply to a simple enquiry. Goodput is what was answered within it ÷ total time, per second; the share is the
same ÷ *all* requests, failed ones included. A reply that came whole has its first token when it is finished. A level of
load meets the objective when at least 95 % of its requests do. Neither says whether
an answer was good, nor by how much an objective was missed.
"""

from __future__ import annotations

from experiments.measuring.records import Record, RequestRow
from experiments.metrics._reading import rows
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.total_time import total_time

FIRST_TOKEN_S = 2.0
REPLY_S = 10.0

ENOUGH = 0.95
"""The share of a level's requests that must meet the objective."""


def met(row: RequestRow) -> bool:
    """Return whether a request was answered within the objective."""
    first = row.finished_s if row.first_token_s is None else row.first_token_s
    in_time = first - row.intended_s <= FIRST_TOKEN_S and row.finished_s - row.intended_s <= REPLY_S
    return row.outcome == "ok" and in_time


def objective_share(record: Record) -> float | Missing:
    """Compute the share."""
    found = rows(record)
    return found if isinstance(found, Missing) else sum(map(met, found)) / len(found)


def goodput(record: Record) -> float | Missing:
    """Compute the goodput."""
    found, total = rows(record), total_time(record)
    if isinstance(found, Missing) or isinstance(total, Missing):
        return Missing("no requests were made")
    return sum(map(met, found)) / total if total > 0 else Missing("the requests took no time")


_WITHIN = f"first token within {FIRST_TOKEN_S:g} s and reply within {REPLY_S:g} s of the intended start"
METRICS = (
    Metric(
        name="goodput",
        title="Goodput",
        unit="1/s",
        better="higher",
        formula=f"requests answered with {_WITHIN} ÷ total time",
        compute=goodput,
        counts_failures=True,
    ),
    Metric(
        name="objective_share",
        title="Share within the objective",
        unit="ratio",
        better="higher",
        formula=f"requests answered with {_WITHIN} ÷ all requests",
        compute=objective_share,
        counts_failures=True,
    ),
)
