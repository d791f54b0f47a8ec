"""Tasks: the share of those in a conversation that succeeded, by what the prompt held, or by what the model replied.

By the prompt: what the engine read held the words that told the value that a turn asks for; of a reply that came from
no prompt, it said the value. By the reply: a real model, answering in its own words, said the right value and no other
one of the same kind. "Soon" are the tasks whose value was told three turns before, "late" those whose value was told
twenty turns before or more. A request that failed is a task that did not succeed.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric

_WHEN = {"": "all tasks", "/soon": "tasks of three turns before", "/late": "tasks of twenty turns before or more"}


def _metric(name: str, value: str, title: str, formula: str, when: str) -> Metric:
    return Metric(
        name=f"{name}{when.replace('/', '_')}",
        title=f"{title}{', ' if when else ''}{when.removeprefix('/')}",
        unit="ratio",
        better="higher",
        formula=f"{formula} ÷ {_WHEN[when]}",
        compute=partial(number, name=f"tasks/{value}{when}"),
        counts_failures=True,
    )


METRICS = tuple(
    _metric(name, value, title, formula, when)
    for name, value, title, formula in (
        ("tasks_in_prompt", "in_prompt", "Tasks whose value was in the prompt", "values that the prompt held"),
        ("tasks_answered", "right", "Tasks answered rightly", "right answers of a real model"),
    )
    for when in _WHEN
)
