"""One reply in the time allowed: how long until its first token, how fast the others, how much came, is that usable?

A trial that does not finish in the time allowed stops there, and what it reached is its result: a bound. The wait for
the first token is then *at least* the value, the tokens per second are *at most* the value, and ``reply_share`` is
below 1.

- ``load_time``: loaded − began to load; where loading was given up, how long was waited.
- ``first_token_wait``: first token − question; where none came, how long was waited.
- ``generation_rate``: of a whole reply, its tokens after the first ÷ (last − first token). Of a part, the tokens that
  came (at least one) ÷ (end − first token): one more would have been needed to do better. Where none came, one ÷ the
  time since the question, or since the load began.
- ``reply_share``: tokens that came ÷ tokens asked for.
- ``usable``: 1 where the whole reply came, its first token within 30 s of the question and the others at one a second
  or more; else 0.

None of them says how good the words are.
"""

from __future__ import annotations

from collections.abc import Callable

from experiments.measuring.records import Part, Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

USABLE_WAIT_S = 30.0
"""The longest wait for a first token that still passes, in seconds: a choice of this project."""

USABLE_RATE = 1.0
"""The fewest tokens a second that still pass: a choice of this project."""


def load_time(part: Part) -> float:
    """Compute the time to load, or how long was waited for it."""
    return part.marks.get("asked", part.marks["ended"]) - part.marks["began"]


def first_token_wait(part: Part) -> float | Missing:
    """Compute the wait for the first token, or how long was waited for it."""
    if "asked" not in part.marks:
        return Missing("loading took all the time allowed")
    return part.marks.get("first_token", part.marks["ended"]) - part.marks["asked"]


def generation_rate(part: Part) -> float:
    """Compute the tokens a second of a whole reply, or what they are below."""
    marks, tokens = part.marks, part.values["tokens"]
    since = next(marks[name] for name in ("first_token", "asked", "began") if name in marks)
    if reply_share(part) == 1:
        return (tokens - 1) / (marks["last_token"] - since)
    return max(tokens, 1) / (marks["ended"] - since)


def reply_share(part: Part) -> float:
    """Compute the share of the reply that came."""
    return part.values["tokens"] / part.values["tokens_asked"]


def usable(part: Part) -> float:
    """Compute whether the reply passes."""
    wait = first_token_wait(part)
    in_time = not isinstance(wait, Missing) and wait <= USABLE_WAIT_S
    return float(reply_share(part) == 1 and in_time and generation_rate(part) >= USABLE_RATE)


def _of_a_reply(compute: Callable[[Part], float | Missing]) -> Callable[[Record], float | Missing]:
    def read(record: Record) -> float | Missing:
        part = subject(record)
        if isinstance(part, Missing):
            return part
        return compute(part) if "tokens_asked" in part.values else Missing("the trial is not one timed reply")

    return read


METRICS = (
    Metric(
        name="load_time",
        title="Time to load the model",
        unit="s",
        better="lower",
        formula="model loaded − began to load it; at least this where it was given up",
        compute=_of_a_reply(load_time),
    ),
    Metric(
        name="first_token_wait",
        title="Wait for the first token",
        unit="s",
        better="lower",
        formula="first token − question, once loaded; at least this where none came in the time allowed",
        compute=_of_a_reply(first_token_wait),
    ),
    Metric(
        name="generation_rate",
        title="Tokens per second",
        unit="1/s",
        better="higher",
        formula="tokens after the first ÷ (last − first token); at most this where the reply did not finish",
        compute=_of_a_reply(generation_rate),
    ),
    Metric(
        name="reply_share",
        title="Share of the reply that came in the time allowed",
        unit="ratio",
        better="higher",
        formula="tokens that came ÷ tokens asked for",
        compute=_of_a_reply(reply_share),
    ),
    Metric(
        name="usable",
        title="Usable",
        unit="count",
        better="higher",
        formula=f"1 if a whole reply began within {USABLE_WAIT_S:g} s and went on at {USABLE_RATE:g} token/s or more",
        compute=_of_a_reply(usable),
        comparable=False,
    ),
)
