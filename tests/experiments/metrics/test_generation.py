"""Metrics of one timed reply: what is not finished is a bound, on the right side of the truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from experiments import metrics
from experiments.measuring.records import Part, Record
from experiments.metrics.interface import Missing
from tests.experiments.analysis.synthetic import record, spec

ASKED = 16


def reply(*tokens: float, ended: float, asked: float | None = 1.0) -> Record:
    """Return a trial that began at 0, in which tokens came at these moments until it ended."""
    marks = {"began": 0.0, "ended": ended}
    if asked is not None:
        marks["asked"] = asked
    if tokens:
        marks |= {"first_token": tokens[0], "last_token": tokens[-1]}
    return record(
        spec("memory", "8b"), Part(role="subject", marks=marks, values={"tokens": len(tokens), "tokens_asked": ASKED})
    )


def of(name: str, made: Record) -> Any:
    return metrics.get(name).of(made)


def test_a_whole_reply_is_told_exactly() -> None:
    made = reply(*(3.0 + step / 2 for step in range(ASKED)), ended=11.0)
    assert of("load_time", made) == 1.0
    assert of("first_token_wait", made) == 2.0
    assert of("generation_rate", made) == pytest.approx(2.0)
    assert of("reply_share", made) == 1.0
    assert of("usable", made) == 1.0


@pytest.mark.parametrize(("wait", "gap"), [(30.1, 0.5), (2.0, 1.1)])
def test_late_or_slow_is_not_usable(wait: float, gap: float) -> None:
    assert of("usable", reply(*(1.0 + wait + step * gap for step in range(ASKED)), ended=90.0)) == 0.0


def test_on_the_line_is_usable() -> None:
    assert of("usable", reply(*(31.0 + step for step in range(ASKED)), ended=60.0)) == 1.0


def test_what_was_given_up_while_loading_never_waited_for_a_token() -> None:
    made = reply(asked=None, ended=60.0)
    assert of("load_time", made) == 60.0
    assert isinstance(of("first_token_wait", made), Missing)
    assert of("generation_rate", made) == pytest.approx(1 / 60)
    assert of("usable", made) == of("reply_share", made) == 0.0


@given(
    gaps=st.lists(st.floats(0.001, 1000), min_size=ASKED, max_size=ASKED),
    patience=st.floats(1.001, 20_000),
)
def test_giving_up_bounds_what_patience_would_have_shown(gaps: list[float], patience: float) -> None:
    moments = [1.0 + sum(gaps[: step + 1]) for step in range(ASKED)]
    came = [moment for moment in moments if moment <= patience]
    assume(len(came) < ASKED and patience - (came[-1] if came else 1.0) > 1e-6)
    whole, part = reply(*moments, ended=moments[-1]), reply(*came, ended=patience)
    assert of("first_token_wait", part) <= of("first_token_wait", whole)
    assert of("reply_share", part) < 1
    assert of("usable", part) == 0
    # The rate up to the token that did not come any more is below the bound.
    since = came[0] if came else 1.0
    assert max(len(came), 1) / (moments[len(came)] - since) <= of("generation_rate", part)


def test_another_kind_of_trial_has_none() -> None:
    made = record(spec("memory", "lru"), Part(role="subject", values={"hits": 1, "accesses": 2}))
    assert isinstance(of("generation_rate", made), Missing)
    assert isinstance(of("refaults", made), Missing)
    assert isinstance(of("disk_reads", made), Missing)
