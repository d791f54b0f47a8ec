"""Research: what the agent found of what was asked, what it answered, and what its answers rest on.

Where replies are scripted, a question succeeds if it was answered and a passage that the model was given states what
was asked for: it says nothing of whether a model would have used it. Where a real model answers in its own words, its
answer is graded too: it says the value and no other of its kind, and the first passage it rests on is of the right
document. A question that failed is one that did not succeed.
"""

from __future__ import annotations

from functools import partial

from experiments.metrics._reading import number
from experiments.metrics.interface import Metric


def _share(name: str, value: str, title: str, formula: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="ratio",
        better="higher",
        formula=f"{formula} ÷ all questions",
        compute=partial(number, name=f"research/{value}"),
        counts_failures=True,
    )


METRICS = (
    _share(
        "research_found",
        "given",
        "Questions whose passage was found",
        "answered questions for which a passage that states the value was given to the model",
    ),
    _share("research_right", "right", "Questions answered rightly", "answers that say the value and no other"),
    _share(
        "research_source_right",
        "source_right",
        "Answers that rest on the right source",
        "answers whose first source is the right document",
    ),
    _share(
        "research_source_among",
        "source_among",
        "Answers with the right source among theirs",
        "answers that rest on the right document and perhaps on others",
    ),
    _share("research_cited", "cited", "Answers that cite by themselves", "answers in which the model cited a passage"),
    Metric(
        name="research_calls",
        title="Calls of the model a question",
        unit="count",
        better="lower",
        formula="calls of the model, those of summaries included ÷ questions",
        compute=partial(number, name="research/calls"),
    ),
)
