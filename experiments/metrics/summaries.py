"""Summaries: how a prompt grows over turns, which messages are in it nowhere, and what is still known, by a fact's age.

The slope of a prompt's tokens is that of least squares, the first third of the turns dropped as warm-up; its 95 %
interval goes through the means of ten stretches, as that of `anonymous_growth`. Tokens are the engine's: without a
model they are words. A message is *in neither* when the prompt has it neither word for word nor in its summary, of
which it counts as covered if the summary's maker read it: whether it kept anything of it, only answers tell.

Facts are asked for once the conversation is over. *Recent* are those told two turns before or less, *old* those told
six turns before or more. One is *held* if its value stands in the prompt, in any wording, and *right* if a real model
said it and no other person's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean

import numpy as np

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.anonymous_growth import STRETCHES, slope_interval
from experiments.metrics.interface import Metric, Missing

RECENT_TURNS, OLD_TURNS = 2, 6
"""The ages, in turns, up to which a fact is recent and from which on it is old."""

_AGES: dict[str, Callable[[float], bool]] = {
    "": lambda age: True,  # noqa: ARG005
    "_recent": lambda age: age <= RECENT_TURNS,
    "_old": lambda age: age >= OLD_TURNS,
}
_NO_PROMPTS = Missing("no prompts were looked at over the turns")


def slope(record: Record) -> float | Missing:
    """Compute the slope."""
    found = _late(record)
    if isinstance(found, Missing):
        return found
    # Where no token came or went, arithmetic leaves some billionths of one.
    return round(float(np.polyfit(*found, 1)[0]), 6)


def slope_end(record: Record, side: int) -> float | Missing:
    """Compute the lower (``side`` 0) or upper (1) end of the slope's 95 % interval."""
    found = _late(record)
    if isinstance(found, Missing):
        return found
    if len(found[0]) < 3 * STRETCHES:
        return Missing("an interval needs three turns in each of ten stretches")
    return round(slope_interval(*found)[side], 6)


def late_tokens(record: Record) -> float | Missing:
    """Compute the mean of the last third."""
    found = _series(record, "prompt_tokens")
    return found if isinstance(found, Missing) else float(np.mean(found[-max(1, len(found) // 3) :]))


def in_neither(record: Record, summed: Callable[[list[float]], float]) -> float | Missing:
    """Compute the mean, or another sum, over the turns."""
    found = _series(record, "in_neither")
    return found if isinstance(found, Missing) else float(summed(found))


def known(record: Record, what: str, when: str) -> float | Missing:
    """Compute the share of the facts of an age that were ``held`` or ``right``."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    graded = zip(part.series.get("age", []), part.series.get(what, []), strict=False)
    found = [value for age, value in graded if _AGES[when](age)]
    return float(np.mean(found)) if found else Missing("no facts of this age were asked for")


def _series(record: Record, name: str) -> list[float] | Missing:
    part = subject(record)
    if isinstance(part, Missing):
        return part
    return part.series.get(name) or _NO_PROMPTS


def _late(record: Record) -> tuple[np.ndarray, np.ndarray] | Missing:
    tokens, turns = _series(record, "prompt_tokens"), _series(record, "turn")
    if isinstance(tokens, Missing) or isinstance(turns, Missing) or len(tokens) != len(turns):
        return _NO_PROMPTS
    warm_up = len(turns) // 3
    if len(set(turns[warm_up:])) < 2:
        return Missing("a slope needs two turns after the warm-up")
    return np.array(turns[warm_up:]), np.array(tokens[warm_up:])


def _known(what: str, when: str, title: str, formula: str) -> Metric:
    words = {"": "", "_recent": ", recent ones", "_old": ", old ones"}[when]
    return Metric(
        name=f"summary_{what}{when}",
        title=f"{title}{words}",
        unit="ratio",
        better="higher",
        formula=f"facts{words} {formula} ÷ facts{words} asked for after the conversation",
        compute=partial(known, what=what, when=when),
        counts_failures=True,
    )


METRICS = (
    Metric(
        name="prompt_tokens_slope",
        title="Growth of the prompt",
        unit="tokens/turn",
        better="lower",
        formula="least-squares slope of the prompt's tokens over turns, first third dropped",
        compute=slope,
        comparable=False,
    ),
    *(
        Metric(
            name=f"prompt_tokens_slope_{name}",
            title=f"Growth of the prompt, {words} end of its interval",
            unit="tokens/turn",
            better="lower",
            formula="95 % interval of the slope through the means of ten stretches",
            compute=partial(slope_end, side=side),
            comparable=False,
        )
        for side, (name, words) in enumerate((("low", "lower"), ("high", "upper")))
    ),
    Metric(
        name="prompt_tokens_late",
        title="Tokens of a prompt late in the conversation",
        unit="count",
        better="lower",
        formula="mean of the prompt's tokens over the last third of the turns",
        compute=late_tokens,
        part="summaries",
    ),
    Metric(
        name="messages_in_neither",
        title="Messages neither in the prompt nor in its summary",
        unit="count",
        better="lower",
        formula="messages that a turn's prompt has neither word for word nor in the summary, mean over turns",
        compute=partial(in_neither, summed=fmean),
        comparable=False,
    ),
    Metric(
        name="messages_in_neither_most",
        title="Messages neither in the prompt nor in its summary, at most",
        unit="count",
        better="lower",
        formula="the same, of the turn with the most",
        compute=partial(in_neither, summed=max),
        comparable=False,
    ),
    *(_known("right", when, "Facts the real model still says", "said rightly") for when in _AGES),
    *(_known("held", when, "Facts whose value the prompt holds", "whose value stands in the prompt") for when in _AGES),
)
