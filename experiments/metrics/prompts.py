"""Prompts: the tokens of what is asked, of whole calls, and of replies; means over a trial's calls.

What is asked is the instruction with its data, as a price list counts them. A whole call has besides what the model's
chat template puts around that, and the reply. All are counted by the model's own tokenizer, so another model has other
figures for the same words. The reply is as long as it was forced to be; where the model ended it, as long as that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from experiments.measuring.records import Record, RequestRow
from experiments.metrics._reading import number, ok_rows
from experiments.metrics.interface import Metric, Missing


def mean(record: Record, of: Callable[[RequestRow], int]) -> float | Missing:
    """Compute the mean of a number of tokens over the answered calls of a trial that counted what was asked."""
    counted, found = number(record, "asked_tokens"), ok_rows(record)
    if isinstance(counted, Missing):
        return counted
    return found if isinstance(found, Missing) else sum(map(of, found)) / len(found)


METRICS = (
    Metric(
        name="asked_tokens",
        title="Tokens of an instruction with its data",
        unit="count",
        better="lower",
        formula="tokens of the message that is asked, without the model's template ÷ calls",
        compute=partial(number, name="asked_tokens"),
        exact=True,
    ),
    Metric(
        name="call_tokens",
        title="Tokens of a call",
        unit="count",
        better="lower",
        formula="(tokens of the whole prompt + tokens of the reply) ÷ answered calls",
        compute=partial(mean, of=lambda row: row.prompt_tokens + row.generated_tokens),
        exact=True,
    ),
    Metric(
        name="reply_tokens",
        title="Tokens of a reply",
        unit="count",
        better="neither",
        formula="tokens of replies ÷ answered calls",
        compute=partial(mean, of=lambda row: row.generated_tokens),
        exact=True,
    ),
)
