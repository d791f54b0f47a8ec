"""What a run says of each published claim, by the rules at the head of the ledger: computed, per condition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, noise
from experiments.analysis.claims import Claim, Test
from experiments.analysis.frames import Run
from experiments.analysis.intervals import Estimate
from experiments.analysis.order import natural
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.measuring.records import Outcome


class Verdict(StrEnum):
    """What the data say of a claim in one condition."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


class Scale(msgspec.Struct, frozen=True):
    """How a block's two values become a number whose mean is judged, and how that is read and written in the unit."""

    of: Callable[[float, float], float]
    read: Callable[[float], float]
    write: Callable[[float], float]


_RATIO = Scale(
    lambda ours, theirs: math.log(ours / theirs), lambda log: 100 * math.expm1(log), lambda x: math.log1p(x / 100)
)
_POINTS = Scale(lambda ours, theirs: 100 * (ours - theirs), float, float)
_LEVEL = Scale(lambda ours, _: ours, float, float)


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """One claim in one condition. ``effect``, ``low`` and ``high`` are in the claim's unit, or its metric's.

    ``floor`` is the noise floor in the same unit; ``values`` and ``reference_values`` the metric of each block,
    ``keys`` the trials used. ``false_share`` is the smallest share of false verdicts, among all, at which this stands.
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


def rulings(run: Run, ledger: Mapping[str, Claim]) -> list[Ruling]:
    """Return every claim of ``ledger`` in every condition that tests it, in their order, judged as one family."""
    floors = {str(study): noise.floors(group) for study, group in run.measures.groupby("study")}
    found = [one for claim in ledger.values() for one in _of_claim(run, claim, floors)]
    tested = [number for number, one in enumerate(found) if one.false_share is not None]
    shares = multiplicity.adjusted([found[number].false_share or 0.0 for number in tested])
    for number, share in zip(tested, shares, strict=True):
        one = msgspec.structs.replace(found[number], false_share=share)
        if share > multiplicity.FALSE_SHARE and one.verdict is not Verdict.INCONCLUSIVE:
            why = f"by itself it would be {one.verdict}; among {len(tested)} verdicts it may be chance"
            one = msgspec.structs.replace(one, verdict=Verdict.INCONCLUSIVE, why=why)
        found[number] = one
    return found


def _of_claim(run: Run, claim: Claim, floors: Mapping[str, pd.DataFrame]) -> Iterator[Ruling]:
    if claim.not_measured:
        yield Ruling(
            claim=claim, test=None, condition="", metric="", verdict=Verdict.NOT_MEASURED, why=claim.not_measured
        )
    for test in claim.tests:
        trials = run.trials[(run.trials["study"] == claim.study) & ~run.trials["twin"].astype(bool)]
        trials = trials[trials["subject"].isin([test.subject, test.reference]) & trials["factors"].map(test.fits)]
        places = sorted(set(trials["condition"]), key=natural)
        metric = test.metric or claim.metric or ""
        if not places:
            why = "the run has no such trials"
            yield Ruling(claim=claim, test=test, condition="", metric=metric, verdict=Verdict.NOT_MEASURED, why=why)
        for condition in places:
            here = trials[trials["condition"] == condition]
            values = run.measures[run.measures["key"].isin(here["key"]) & (run.measures["metric"] == metric)]
            floor = None
            if claim.is_effect and (arms := floors.get(claim.study or "")) is not None:
                floor = noise.floor(arms, metric, here["factors"].iloc[0])
            bare = Ruling(
                claim=claim,
                test=test,
                condition=condition,
                metric=metric,
                verdict=Verdict.INCONCLUSIVE,
                keys=tuple(here["key"]),
            )
            yield _judged(bare, here, values, floor)


def _judged(bare: Ruling, trials: pd.DataFrame, values: pd.DataFrame, floor: float | None) -> Ruling:
    """Return a ruling with its effect and, where nothing forbids one, its verdict."""
    claim, test = bare.claim, bare.test
    assert test is not None
    subjects = [test.subject] if test.reference is None else [test.subject, test.reference]
    table = values.pivot_table(index="block", columns="subject", values="value").reindex(columns=subjects)
    table = table.dropna().sort_index()
    scale = _scale(claim)
    if scale is _RATIO:
        table = table[(table > 0).all(axis="columns")]
    valid = trials[trials["outcome"] != Outcome.INVALID]
    lost = (valid["outcome"] != Outcome.OK).groupby(valid["subject"]).mean()
    if table.empty and not (claim.every and lost.any()):
        why = f"no trial of it has a {metrics.get(bare.metric).title.lower()}"
        return msgspec.structs.replace(bare, verdict=Verdict.NOT_MEASURED, why=why)
    ours = tuple(table[test.subject].tolist())
    theirs = tuple(table[test.reference].tolist()) if test.reference else ()
    numbers = [scale.of(mine, their) for mine, their in zip(ours, theirs or ours, strict=True)]
    found = Estimate(numbers) if len(numbers) > 1 else None
    low, high = found.interval() if found and len(numbers) >= ENOUGH_BLOCKS else (None, None)
    ruling = msgspec.structs.replace(
        bare,
        blocks=tuple(int(str(block)) for block in table.index),
        values=ours,
        reference_values=theirs,
        effect=scale.read(float(np.mean(numbers))) if numbers else None,
        low=None if low is None else scale.read(float(low)),
        high=None if high is None else scale.read(float(high)),
        floor=None if floor is None or scale is not _RATIO else scale.read(floor),
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
        return msgspec.structs.replace(ruling, why=forbids)
    if claim.every:
        return _each(ruling, len(valid) - len(ours))
    assert found is not None
    return _inside(ruling, found, (floor or 0.0) if scale is _RATIO else 0.0)


def _scale(claim: Claim) -> Scale:
    if not claim.is_effect:
        return _LEVEL
    return _POINTS if claim.unit == "percentage points" else _RATIO


def _met(claim: Claim, value: float) -> bool:
    return value >= (-math.inf if claim.at_least is None else claim.at_least) and value <= (
        math.inf if claim.at_most is None else claim.at_most
    )


def _seen(claim: Claim, values: Sequence[float], trials: int) -> str:
    """Say what the few trials there are point to."""
    return "" if claim.is_effect else f"; {sum(_met(claim, value) for value in values)} of {trials} met the criterion"


def _each(ruling: Ruling, lost: int) -> Ruling:
    """Judge a criterion that every trial must meet, a lost one failing."""
    missed = lost + sum(not _met(ruling.claim, value) for value in ruling.values)
    verdict = Verdict.CONTRADICTED if missed else Verdict.REPRODUCED
    why = f"{missed} of {len(ruling.values) + lost} trials miss the criterion" if missed else ""
    return msgspec.structs.replace(ruling, verdict=verdict, why=why)


def _inside(ruling: Ruling, found: Estimate, floor: float) -> Ruling:
    """Judge by the region that the interval lies in."""
    low, high = (float(end) for end in found.interval())
    for verdict, ends in regions(ruling.claim, floor):
        if ends[0] <= low and high <= ends[1]:
            return msgspec.structs.replace(ruling, verdict=verdict, false_share=float(found.inside(*ends)))
    why = "the interval straddles what would tell"
    if ruling.claim.is_effect and max(map(abs, _claimed(ruling.claim))) <= floor:
        why = "the noise floor is wider than the claimed effect"
    return msgspec.structs.replace(ruling, why=why)


def _claimed(claim: Claim) -> tuple[float, float]:
    assert claim.low is not None and claim.high is not None
    write = _scale(claim).write
    return write(claim.low), write(claim.high)


def regions(claim: Claim, floor: float) -> list[tuple[Verdict, tuple[float, float]]]:
    """Return where an interval must lie for each verdict, the first that fits counting, on the claim's scale.

    ``floor`` is the noise floor on that scale. A criterion over a trend is missed only by what lies wholly beyond it.
    """
    if not claim.is_effect:
        least = -math.inf if claim.at_least is None else claim.at_least
        most = math.inf if claim.at_most is None else claim.at_most
        missed = [(-math.inf, least)] * (least > -math.inf) + [(most, math.inf)] * (most < math.inf)
        contradicted = [(Verdict.CONTRADICTED, ends) for ends in missed]
        whole = (-math.inf, math.inf)
        return [*contradicted, (Verdict.REPRODUCED, whole)] if claim.trend else [
            (Verdict.REPRODUCED, (least, most)), *contradicted
        ]  # fmt: skip
    low, high = _claimed(claim)
    outside = [(-math.inf, low - floor), (high + floor, math.inf)]
    if low <= 0 <= high:
        seen = [(Verdict.REPRODUCED, (low - floor, high + floor))] if floor < max(-low, high) else []
        return seen + [(Verdict.CONTRADICTED, ends) for ends in outside]
    # What is not beyond the floor is no effect that was seen, whatever range it lies in.
    told, opposite = ((floor, math.inf), (-math.inf, 0.0)) if low > 0 else ((-math.inf, -floor), (0.0, math.inf))
    found = [(Verdict.REPRODUCED, (max(low - floor, told[0]), min(high + floor, told[1])))]
    if low > floor or high < -floor:
        found.append((Verdict.CONTRADICTED, (-floor, floor)))
    found.append((Verdict.CONTRADICTED, opposite))
    found += [(Verdict.PARTLY, (max(ends[0], told[0]), min(ends[1], told[1]))) for ends in outside]
    return found


def table(rulings: Sequence[Ruling]) -> pd.DataFrame:
    """Return one row a ruling, for those who reckon on; effects are in the row's unit."""
    return pd.DataFrame(
        {
            "claim": one.claim.id,
            "test": one.test.title if one.test else "",
            "study": one.claim.study if one.test else "",
            "condition": one.condition,
            "subject": one.test.subject if one.test else "",
            "reference": (one.test.reference or "") if one.test else "",
            "metric": one.metric,
            "unit": _unit(one) if one.test else "",
            "verdict": str(one.verdict),
            "effect": one.effect,
            "low": one.low,
            "high": one.high,
            "floor": one.floor,
            "false_share": one.false_share,
            "blocks": len(one.blocks),
            "trials": " ".join(one.keys),
            "why": one.why,
        }
        for one in rulings
    )


def _unit(one: Ruling) -> str:
    return one.claim.unit if one.claim.is_effect else metrics.get(one.metric).unit
