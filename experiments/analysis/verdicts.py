"""What a run says of each published claim, by the rules at the head of the ledger: computed, per condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, verdict_rules
from experiments.analysis.cells import Cells, Condition
from experiments.analysis.claims import Claim, Test
from experiments.analysis.comparisons import caveats
from experiments.analysis.intervals import Estimate
from experiments.analysis.noise import Floors
from experiments.analysis.pairing import ENOUGH_BLOCKS, Pair
from experiments.analysis.scales import Scale
from experiments.analysis.verdict_rules import Verdict


class Comparable(Protocol):
    """What verdicts are made of: a part of `experiments.analysis.run.Run`."""

    @property
    def cells(self) -> Cells:
        """The trials, by where they belong."""
        ...

    @property
    def noise(self) -> Floors:
        """The noise floors."""
        ...


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one claim in one condition, and what it rests on.

    ``effect``, its two intervals and the noise ``floor`` are in the claim's unit, or its metric's. ``values`` and
    ``reference_values`` are the metric of each complete block, ``keys`` the trials that count. ``false_share`` is the
    smallest share of false verdicts, among all, at which this one stands. ``random_weights`` says that the model of
    some trial has such: its speed and memory are a model's, its words are not. ``caveats`` must be shown with it.
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
    robust_low: float | None = None
    robust_high: float | None = None
    floor: float | None = None
    false_share: float | None = None
    run: str = ""
    random_weights: bool = False
    caveats: tuple[str, ...] = ()


def judge(run: Comparable, ledger: Mapping[str, Claim]) -> list[ClaimVerdict]:
    """Return a verdict for every claim of ``ledger`` in every condition that tests it, judged as one family.

    They stand in the order of the ledger.
    """
    verdicts = [each for claim in ledger.values() for each in _of_claim(run, claim)]
    tested = [place for place, each in enumerate(verdicts) if each.false_share is not None]
    shares = multiplicity.adjusted([verdicts[place].false_share or 0.0 for place in tested])
    for place, share in zip(tested, shares, strict=True):
        adjusted = msgspec.structs.replace(verdicts[place], false_share=share)
        if share > multiplicity.FALSE_SHARE and adjusted.verdict is not Verdict.INCONCLUSIVE:
            why = f"by itself it would be {adjusted.verdict}; among {len(tested)} verdicts it may be chance"
            adjusted = msgspec.structs.replace(adjusted, verdict=Verdict.INCONCLUSIVE, why=why)
        verdicts[place] = adjusted
    return verdicts


def _of_claim(run: Comparable, claim: Claim) -> Iterator[ClaimVerdict]:
    if claim.not_measured:
        yield ClaimVerdict(
            claim=claim, test=None, condition="", metric="", verdict=Verdict.NOT_MEASURED, why=claim.not_measured
        )
    for test in claim.tests:
        metric = test.metric or claim.metric or ""
        unmeasured = ClaimVerdict(
            claim=claim,
            test=test,
            condition="",
            metric=metric,
            verdict=Verdict.NOT_MEASURED,
            why="the run has no such trials",
        )
        found = [
            (place, pair)
            for place in run.cells.places(claim.study or "", test.fits)
            if (pair := _pair(run, claim, test, metric, place)) is not None
        ]
        for place, pair in found:
            yield _judged(msgspec.structs.replace(unmeasured, condition=place.condition, run=place.run), pair)
        if not found:
            yield unmeasured


def _pair(run: Comparable, claim: Claim, test: Test, metric: str, place: Condition) -> Pair | None:
    """Return what a test compares in a condition; None where one of its subjects was not tried there."""
    ours = run.cells.side(place, test.subject, metric)
    theirs = run.cells.side(place, test.reference, metric) if test.reference else None
    if ours is None or (test.reference and theirs is None):
        return None
    scale = verdict_rules.scale(claim)
    floor = run.noise.of(place, metric, scale) if claim.is_effect else None
    return Pair(subject=ours, reference=theirs, better=metrics.get(metric).better, floor=floor, scale=scale)


def _judged(unmeasured: ClaimVerdict, pair: Pair) -> ClaimVerdict:
    """Return ``unmeasured`` with its effect and, where nothing forbids one, its verdict."""
    claim, scale, numbers = unmeasured.claim, pair.scale, pair.numbers
    lost, sides = pair.missing(pair.subject), pair.sides
    if not any(side.values or side.failed for side in sides):
        reasons = dict.fromkeys(why for side in sides for why in side.lost.values())
        named = metrics.get(unmeasured.metric).title.lower()
        why = f"no trial of it has a {named}: {'; '.join(reasons) or 'all are void'}"
        return msgspec.structs.replace(unmeasured, why=why)
    estimate = Estimate(list(numbers.values())) if len(numbers) >= ENOUGH_BLOCKS else None
    low, high = estimate.interval() if estimate else (None, None)
    robust_low, robust_high = estimate.robust() if estimate else (None, None)
    measured = msgspec.structs.replace(
        unmeasured,
        verdict=Verdict.INCONCLUSIVE,
        keys=tuple(key for side in sides for key in side.keys),
        blocks=tuple(numbers),
        values=tuple(pair.subject.values[block] for block in numbers),
        reference_values=tuple(pair.reference.values[block] for block in numbers) if pair.reference else (),
        effect=scale.read(float(np.mean(list(numbers.values())))) if numbers else None,
        low=_read(scale, low),
        high=_read(scale, high),
        robust_low=_read(scale, robust_low),
        robust_high=_read(scale, robust_high),
        floor=_read(scale, pair.floor),
        random_weights=any(
            record.spec.engine is not None and record.spec.engine.words_are_meaningless
            for side in sides
            for record in side.records.values()
        ),
        caveats=caveats(pair),
    )
    counted = len(numbers) + (len(lost) if claim.every else 0)
    forbids = ""
    if not all(record.enforced for side in sides for record in side.records.values()):
        forbids = "the limits were not enforced"
    elif pair.uneven:
        forbids = pair.uneven
    elif pair.reference is None and lost and not claim.every:
        forbids = pair.losses
    elif pair.reference is None and pair.survivors:
        forbids = pair.survivors
    elif counted < ENOUGH_BLOCKS:
        complete = f"{len(numbers)} of at least {ENOUGH_BLOCKS} complete blocks{_seen(claim, measured.values, counted)}"
        forbids = f"{complete}; {pair.losses}" if pair.losses else complete
    elif claim.is_effect and pair.floor is None and not metrics.get(measured.metric).exact:
        forbids = "there is no noise floor: A/A arms are missing, or incomplete"
    if forbids:
        return msgspec.structs.replace(measured, why=forbids)
    if claim.every:
        return _every_trial(measured, len(lost))
    assert estimate is not None
    start, end = (float(edge) for edge in estimate.cautious())
    judged = verdict_rules.judge(claim, (start, end), pair.floor)
    false_share = None if judged.region is None else float(estimate.inside(*judged.region))
    return msgspec.structs.replace(measured, verdict=judged.verdict, why=judged.why, false_share=false_share)


def _read(scale: Scale, number: Any) -> float | None:
    return None if number is None else scale.read(float(number))


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


def table(verdicts: Sequence[ClaimVerdict]) -> pd.DataFrame:
    """Return one row a verdict, for further computing; effects are in the row's unit."""
    return pd.DataFrame(
        {
            "claim": each.claim.id,
            "test": each.test.title if each.test else "",
            "study": each.claim.study if each.test else "",
            "run": each.run,
            "condition": each.condition,
            "subject": each.test.subject if each.test else "",
            "reference": (each.test.reference or "") if each.test else "",
            "metric": each.metric,
            "unit": _unit(each) if each.test else "",
            "verdict": str(each.verdict),
            "effect": each.effect,
            "low": each.low,
            "high": each.high,
            "robust_low": each.robust_low,
            "robust_high": each.robust_high,
            "floor": each.floor,
            "false_share": each.false_share,
            "blocks": len(each.blocks),
            "trials": " ".join(each.keys),
            "why": each.why,
            "caveats": "; ".join(each.caveats),
        }
        for each in verdicts
    )


def _unit(verdict: ClaimVerdict) -> str:
    return verdict.claim.unit if verdict.claim.is_effect else metrics.get(verdict.metric).unit
