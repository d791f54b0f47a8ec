"""What a run says of each published claim, by the rules at the head of the ledger: computed, per condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, noise, verdict_rules
from experiments.analysis.claims import Claim, Test
from experiments.analysis.frames import RunFrames
from experiments.analysis.intervals import Estimate
from experiments.analysis.order import natural
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.verdict_rules import RATIO, Verdict
from experiments.measuring.records import Outcome


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one claim in one condition, and what it rests on.

    ``effect``, ``low`` and ``high`` are in the claim's unit, or its metric's; ``floor`` is the noise floor in the same
    unit. ``values`` and ``reference_values`` are the metric of each block, ``keys`` the trials used. ``false_share`` is
    the smallest share of false verdicts, among all, at which this one stands.
    """

    claim: Claim
    test: Test | None
    condition: str
    metric: str
    verdict: Verdict
    why: str = ""
    blocks: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    reference_values: tuple[float, ...] = ()
    keys: tuple[str, ...] = ()
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    false_share: float | None = None


def judge(run: RunFrames, ledger: Mapping[str, Claim]) -> list[ClaimVerdict]:
    """Return a verdict for every claim of ``ledger`` in every condition that tests it, judged as one family.

    They stand in the order of the ledger.
    """
    floors = {str(study): noise.floors(group) for study, group in run.measures.groupby("study")}
    verdicts = [each for claim in ledger.values() for each in _of_claim(run, claim, floors)]
    tested = [place for place, each in enumerate(verdicts) if each.false_share is not None]
    shares = multiplicity.adjusted([verdicts[place].false_share or 0.0 for place in tested])
    for place, share in zip(tested, shares, strict=True):
        adjusted = msgspec.structs.replace(verdicts[place], false_share=share)
        if share > multiplicity.FALSE_SHARE and adjusted.verdict is not Verdict.INCONCLUSIVE:
            why = f"by itself it would be {adjusted.verdict}; among {len(tested)} verdicts it may be chance"
            adjusted = msgspec.structs.replace(adjusted, verdict=Verdict.INCONCLUSIVE, why=why)
        verdicts[place] = adjusted
    return verdicts


def _of_claim(run: RunFrames, claim: Claim, floors: Mapping[str, pd.DataFrame]) -> Iterator[ClaimVerdict]:
    if claim.not_measured:
        yield ClaimVerdict(
            claim=claim, test=None, condition="", metric="", verdict=Verdict.NOT_MEASURED, why=claim.not_measured
        )
    for test in claim.tests:
        trials = run.trials[(run.trials["study"] == claim.study) & ~run.trials["twin"].astype(bool)]
        trials = trials[trials["subject"].isin([test.subject, test.reference]) & trials["factors"].map(test.fits)]
        conditions = sorted(set(trials["condition"]), key=natural)
        metric = test.metric or claim.metric or ""
        if not conditions:
            why = "the run has no such trials"
            yield ClaimVerdict(
                claim=claim, test=test, condition="", metric=metric, verdict=Verdict.NOT_MEASURED, why=why
            )
        for condition in conditions:
            here = trials[trials["condition"] == condition]
            values = run.measures[run.measures["key"].isin(here["key"]) & (run.measures["metric"] == metric)]
            arms = floors.get(claim.study or "")
            floor = None
            if claim.is_effect and arms is not None:
                floor = noise.floor(arms, metric, here["factors"].iloc[0])
            undecided = ClaimVerdict(
                claim=claim,
                test=test,
                condition=condition,
                metric=metric,
                verdict=Verdict.INCONCLUSIVE,
                keys=tuple(here["key"]),
            )
            yield _judged(undecided, test, here, values, floor)


def _judged(
    undecided: ClaimVerdict, test: Test, trials: pd.DataFrame, values: pd.DataFrame, floor: float | None
) -> ClaimVerdict:
    """Return ``undecided`` with its effect and, where nothing forbids one, its verdict."""
    claim = undecided.claim
    subjects = [test.subject] if test.reference is None else [test.subject, test.reference]
    table = values.pivot_table(index="block", columns="subject", values="value").reindex(columns=subjects)
    table = table.dropna().sort_index()
    scale = verdict_rules.scale(claim)
    if scale is RATIO:
        table = table[(table > 0).all(axis="columns")]
    valid = trials[trials["outcome"] != Outcome.INVALID]
    lost = (valid["outcome"] != Outcome.OK).groupby(valid["subject"]).mean()
    if table.empty and not (claim.every and lost.any()):
        why = f"no trial of it has a {metrics.get(undecided.metric).title.lower()}"
        return msgspec.structs.replace(undecided, verdict=Verdict.NOT_MEASURED, why=why)
    ours = tuple(table[test.subject].tolist())
    theirs = tuple(table[test.reference].tolist()) if test.reference else ()
    numbers = [scale.of(mine, their) for mine, their in zip(ours, theirs or ours, strict=True)]
    estimate = Estimate(numbers) if len(numbers) > 1 else None
    low, high = estimate.interval() if estimate and len(numbers) >= ENOUGH_BLOCKS else (None, None)
    measured = msgspec.structs.replace(
        undecided,
        blocks=tuple(int(str(block)) for block in table.index),
        values=ours,
        reference_values=theirs,
        effect=scale.read(float(np.mean(numbers))) if numbers else None,
        low=None if low is None else scale.read(float(low)),
        high=None if high is None else scale.read(float(high)),
        floor=None if floor is None or scale is not RATIO else scale.read(floor),
    )
    blocks = int(valid["block"].nunique())
    forbids = ""
    if not trials["enforced"].astype(bool).all():
        forbids = "the limits were not enforced"
    elif test.reference and lost.get(test.subject, 0.0) != lost.get(test.reference, 0.0):
        forbids = "the two lost trials at different rates"
    elif blocks < ENOUGH_BLOCKS:
        forbids = f"{blocks} of at least {ENOUGH_BLOCKS} blocks{_seen(claim, ours, len(valid))}"
    if forbids:
        return msgspec.structs.replace(measured, why=forbids)
    if claim.every:
        return _every_trial(measured, len(valid) - len(ours))
    assert estimate is not None
    return _by_interval(measured, estimate, (floor or 0.0) if scale is RATIO else 0.0)


def _met(claim: Claim, value: float) -> bool:
    least, most = verdict_rules.criterion(claim)
    return least <= value <= most


def _seen(claim: Claim, values: Sequence[float], trials: int) -> str:
    """Return how many of the few trials met the criterion, in words."""
    if claim.is_effect:
        return ""
    return f"; {sum(_met(claim, value) for value in values)} of {trials} met the criterion"


def _every_trial(measured: ClaimVerdict, lost: int) -> ClaimVerdict:
    """Judge a criterion that every trial must meet; a lost trial fails it."""
    missed = lost + sum(not _met(measured.claim, value) for value in measured.values)
    verdict = Verdict.CONTRADICTED if missed else Verdict.REPRODUCED
    why = f"{missed} of {len(measured.values) + lost} trials miss the criterion" if missed else ""
    return msgspec.structs.replace(measured, verdict=verdict, why=why)


def _by_interval(measured: ClaimVerdict, estimate: Estimate, floor: float) -> ClaimVerdict:
    """Judge by the region that the interval lies in."""
    low, high = (float(end) for end in estimate.interval())
    for verdict, (start, end) in verdict_rules.regions(measured.claim, floor):
        if start <= low and high <= end:
            false_share = float(estimate.inside(start, end))
            return msgspec.structs.replace(measured, verdict=verdict, false_share=false_share)
    why = "the interval straddles what would tell"
    if measured.claim.is_effect and max(map(abs, verdict_rules.claimed(measured.claim))) <= floor:
        why = "the noise floor is wider than the claimed effect"
    return msgspec.structs.replace(measured, why=why)


def table(verdicts: Sequence[ClaimVerdict]) -> pd.DataFrame:
    """Return one row a verdict, for further computing; effects are in the row's unit."""
    return pd.DataFrame(
        {
            "claim": each.claim.id,
            "test": each.test.title if each.test else "",
            "study": each.claim.study if each.test else "",
            "condition": each.condition,
            "subject": each.test.subject if each.test else "",
            "reference": (each.test.reference or "") if each.test else "",
            "metric": each.metric,
            "unit": _unit(each) if each.test else "",
            "verdict": str(each.verdict),
            "effect": each.effect,
            "low": each.low,
            "high": each.high,
            "floor": each.floor,
            "false_share": each.false_share,
            "blocks": len(each.blocks),
            "trials": " ".join(each.keys),
            "why": each.why,
        }
        for each in verdicts
    )


def _unit(verdict: ClaimVerdict) -> str:
    return verdict.claim.unit if verdict.claim.is_effect else metrics.get(verdict.metric).unit
