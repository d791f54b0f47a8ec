"""What was found of a claim is one sentence, made of its verdicts and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.analysis import claims
from experiments.analysis.claims import Claim, ClaimGroup
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict, judge
from experiments.report import findings

NBSP = "\u00a0"


def claim(**changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "id": "X", "source": "s, section 1", "statement": "t", "unit": "percent change", "low": -80.0, "high": -60.0,
        "what": "response time", "study": "load", "metric": "latency_p50",
    }  # fmt: skip
    return Claim(**fields | changes)


def level(**changes: Any) -> Claim:
    return claim(low=None, high=None, criterion="c", **changes)


def verdict(
    of: Claim, given: Verdict, effect: float | None = None, work: str = "inference", **changes: Any
) -> ClaimVerdict:
    ends = {} if effect is None else dict.fromkeys(("low", "high", "robust_low", "robust_high"), effect)
    test = claims.Test(
        title="here",
        factors={"work": work} if work else {},
        subject=changes.pop("subject", "asynchronous"),
        reference=changes.pop("reference", "baseline" if of.is_effect else None),
    )
    fields: dict[str, Any] = {"metric": of.metric, "effect": effect, **ends, **changes}
    return ClaimVerdict(claim=of, test=test, condition="c", verdict=given, **fields)


@pytest.mark.parametrize(
    ("given", "effect", "said"),
    [
        (Verdict.REPRODUCED, -70.0, "response time falls by 70 %, as published."),
        (Verdict.PARTLY, -20.0, "response time falls by 20 %, less than published."),
        (Verdict.PARTLY, -97.0, "response time falls by 97 %, more than published."),
        (Verdict.CONTRADICTED, -2.0, "there is no such fall of response time (−2.0 %)."),
        (Verdict.CONTRADICTED, 30.0, "response time rises by 30 %, the opposite of what was published."),
        (Verdict.CONTRADICTED, 250.0, "response time becomes 3.5 times as large, the opposite of what was published."),
        (Verdict.INCONCLUSIVE, -50.0, "it cannot be told whether response time falls (−50 %)."),
        (Verdict.INCONCLUSIVE, None, "nothing can be told of response time."),
    ],
)
def test_each_verdict_on_an_effect_has_its_words(given: Verdict, effect: float | None, said: str) -> None:
    one = verdict(claim(), given, effect, floor=5.0)
    assert findings.sentence([one]).replace(NBSP, " ") == f"With a real model, {said}"


def test_a_change_within_the_noise_is_not_called_the_opposite() -> None:
    assert findings.kind(verdict(claim(), Verdict.CONTRADICTED, 4.0, floor=5.0)) is findings.Kind.NOT
    rise = claim(low=60.0, high=80.0)
    assert findings.kind(verdict(rise, Verdict.CONTRADICTED, -4.0, floor=5.0)) is findings.Kind.NOT
    assert findings.kind(verdict(rise, Verdict.CONTRADICTED, -6.0, floor=5.0)) is findings.Kind.OPPOSITE


def test_a_real_model_comes_first_and_conditions_that_differ_are_counted() -> None:
    one = claim()
    mine = [
        verdict(one, Verdict.REPRODUCED, -66.0, "sleep"),
        verdict(one, Verdict.REPRODUCED, -70.0, "sleep"),
        verdict(one, Verdict.PARTLY, -96.0, "sleep"),
        verdict(one, Verdict.CONTRADICTED, -2.2),
        verdict(one, Verdict.NOT_MEASURED),
    ]
    assert findings.sentence(mine).replace(NBSP, " ") == (
        "With a real model, there is no such fall of response time (−2.2 %); "
        "without a model, it changes by −96 … −66 %: as published in 2 and by more than published in 1 of 3 "
        "conditions. Not measured in 1 further condition."
    )


def test_a_model_of_random_weights_is_not_called_a_real_one() -> None:
    one = claim()
    mine = [
        verdict(one, Verdict.CONTRADICTED, -2.2, random_weights=True),
        verdict(one, Verdict.REPRODUCED, -66.0, "sleep", random_weights=False),
    ]
    assert findings.sentence(mine).replace(NBSP, " ") == (
        "With a model of random weights, there is no such fall of response time (−2.2 %); "
        "without a model, it falls by 66 %, as published."
    )


def test_a_claim_may_name_the_groups_in_which_a_reader_asks() -> None:
    one = claim(
        groups=(ClaimGroup(words="against nothing", references=("none",)), ClaimGroup(words="against the rest")),
    )
    mine = [verdict(one, Verdict.PARTLY, -10.0), verdict(one, Verdict.REPRODUCED, -70.0, reference="none")]
    assert findings.sentence(mine).replace(NBSP, " ") == (
        "Against nothing, response time falls by 70 %, as published; "
        "against the rest, it falls by 10 %, less than published."
    )


def test_a_criterion_is_met_nearly_met_or_missed() -> None:
    one = level(at_most=0.1)
    mine = [verdict(one, Verdict.REPRODUCED, 0.05), verdict(one, Verdict.CONTRADICTED, 4.0)]
    assert findings.sentence(mine).replace(NBSP, " ") == (
        "With a real model, response time is 50.0 ms … 4.00 s, "
        "and the criterion is met in 1 and missed in 1 of 2 conditions."
    )
    alone = [verdict(one, Verdict.PARTLY, 0.1, work="")]
    assert findings.sentence(alone).replace(NBSP, " ") == "Response time is 100 ms, and the criterion is nearly met."
    share = level(at_least=0.999, what="the share", metric="success_rate")
    told = findings.sentence([verdict(share, Verdict.INCONCLUSIVE, 0.998, work="")]).replace(NBSP, " ")
    assert told == "The share is 99.8 %, and it cannot be told whether the criterion is met."


def test_a_change_that_was_said_to_be_small_is_as_small_or_larger() -> None:
    small = claim(low=-3.0, high=3.0, what="the start")
    assert (
        findings.sentence([verdict(small, Verdict.REPRODUCED, 1.0, work="")])
        == f"The start rises by 1.0{NBSP}%, as published."
    )
    told = findings.sentence([verdict(small, Verdict.CONTRADICTED, -90.0, work="")])
    assert told == f"The start falls by 90{NBSP}%, more than published."


def test_what_was_not_measured_says_why() -> None:
    untested = claim(not_measured="nobody answers")
    [one] = judge(None, {"X": untested})  # type: ignore[arg-type]  # it looks at no trial
    assert findings.sentence([one]) == "Not measured: nobody answers."
