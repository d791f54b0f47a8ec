"""Comparisons: a subject against its reference in one metric and condition, with what the data say of it.

Findings, answers and verdicts are made here and nowhere else: of `cells`, of the pairs they make within blocks, and of
the noise floor of their metric. Comparisons that are read together are judged together: among many, some seem to show
an effect by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import multiplicity, pairing, power, work
from experiments.analysis.cells import Cells, Condition
from experiments.analysis.conclusions import Conclusion, conclude, regions
from experiments.analysis.intervals import Estimate
from experiments.analysis.noise import Floors
from experiments.analysis.pairing import Pair, RatioSummary
from experiments.analysis.robust import apart
from experiments.analysis.scales import ratio
from experiments.analysis.stability import unsettled

_PLACE = ["run", "condition", "subject", "reference", "metric"]
_PAIR = ["run", "condition", "factors", "subject", "reference", "metric"]
_CONCLUDED = ["conclusion", "false_share", "smallest_effect", "why", "needs", "caveats"]
_COLUMNS = [*_PAIR, "blocks", "ratio", "low", "high", "robust_low", "robust_high", "floor", *_CONCLUDED]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A pair, its ratios summed up, and the conclusion. ``summary`` is None where no pair of trials is complete.

    ``false_share`` is the smallest share of false conclusions, among all that are drawn together, at which this one is
    still drawn. ``smallest_effect`` is the smallest change, as a share, that this comparison could have shown. Where
    the conclusion is open, ``why`` gives the reason, and ``needs`` how many blocks in all would settle it, if any
    number would. ``caveats`` are sentences that must be shown with it.
    """

    pair: Pair
    summary: RatioSummary | None
    conclusion: Conclusion
    false_share: float | None = None
    smallest_effect: float | None = None
    why: str = ""
    needs: int | None = None
    caveats: tuple[str, ...] = ()


class StudyComparisons(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All comparisons of one study: ``pairs``, and a row in ``conclusions`` for every one in a primary metric."""

    cells: Cells
    pairs: list[tuple[Condition, str, Pair]]
    conclusions: pd.DataFrame

    @cached_property
    def ratios(self) -> pd.DataFrame:
        """A row a block and complete pair."""
        return self._with_factors(pairing.ratios(self.pairs))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a comparison: its ratios summed up, and the conclusion where the metric is a primary one."""
        summaries = self._with_factors(pairing.summaries(self.pairs))
        return summaries.merge(self.conclusions[[*_PLACE, "floor", *_CONCLUDED]], how="left", on=_PLACE)

    def _with_factors(self, frame: pd.DataFrame) -> pd.DataFrame:
        places = map(Condition, frame["run"], frame["study"], frame["condition"])
        frame["factors"] = pd.Series([dict(self.cells.factors(place)) for place in places], frame.index, dtype=object)
        return frame


def compare(pairs: Sequence[Pair]) -> list[Comparison]:
    """Compare pairs as one family: a conclusion that so many comparisons would give by chance is not drawn.

    Each pair is compared by itself first. Of the comparisons that then have a conclusion, Benjamini and Hochberg's
    procedure keeps so many that no more than `multiplicity.FALSE_SHARE` of them are expected to be false.
    """
    comparisons = [_by_itself(pair) for pair in pairs]
    tested = [place for place, comparison in enumerate(comparisons) if comparison.false_share is not None]
    shares = multiplicity.adjusted([comparisons[place].false_share or 0.0 for place in tested])
    for place, share in zip(tested, shares, strict=True):
        comparison = msgspec.structs.replace(comparisons[place], false_share=share)
        if comparison.conclusion is not Conclusion.OPEN and share > multiplicity.FALSE_SHARE:
            why = f"one of {len(tested)} comparisons: by itself it would be told, among so many it may be chance"
            comparison = msgspec.structs.replace(comparison, conclusion=Conclusion.OPEN, why=why)
        comparisons[place] = comparison
    return comparisons


def compare_study(
    cells: Cells, floors: Floors, study: str, references: Sequence[str], primary: Sequence[str]
) -> StudyComparisons:
    """Compare the subjects of a study in every metric, and draw conclusions in the ``primary`` ones, as one family."""
    pairs = pairing.pairs_of_study(cells, study, references)
    judged = [
        (place, name, msgspec.structs.replace(pair, floor=floors.of(place, name)))
        for place, name, pair in pairs
        if name in primary and metrics.get(name).better != "neither"
    ]
    compared = compare([pair for _, _, pair in judged])
    rows = [_row(cells, place, name, one) for (place, name, _), one in zip(judged, compared, strict=True)]
    return StudyComparisons(cells=cells, pairs=pairs, conclusions=pd.DataFrame(rows, columns=_COLUMNS))


def caveats(pair: Pair) -> tuple[str, ...]:
    """Return what must be shown with a pair: unequal work, a block that stands apart, trials that began far apart."""
    found = [work.unequal(pair.subject.worked, pair.reference.worked)] if pair.reference else []
    numbers = pair.numbers
    far = apart(list(numbers.values())) if len(numbers) >= pairing.ENOUGH_BLOCKS else None
    if far is not None:
        block = list(numbers)[far]
        rest = [number for other, number in numbers.items() if other != block]
        seen, beside = (pair.scale.show(number) for number in (numbers[block], sum(rest) / len(rest)))
        found.append(f"block {block} stands apart: {seen} beside {beside}")
    if numbers and not pair.uneven:
        found += [pair.losses, pair.survivors]
    if pair.far_apart:
        minutes = max(pair.far_apart.values()) / 60
        found.append(f"{len(pair.far_apart)} of {len(numbers)} pairs began up to {minutes:.0f} minutes apart")
    return tuple(filter(None, found))


def _by_itself(pair: Pair) -> Comparison:
    ratios, uneven = pair.ratios, pair.uneven
    summary = pairing.summarise(ratios) if ratios else None
    none = Comparison(pair=pair, summary=summary, conclusion=Conclusion.NONE, caveats=caveats(pair))
    if uneven:
        return msgspec.structs.replace(none, why=uneven)
    if summary is None:
        return msgspec.structs.replace(none, why=_nothing(pair))
    settled = unsettled(ratios, pair.floor)
    if summary.indicative:
        return msgspec.structs.replace(none, conclusion=Conclusion.INDICATIVE, why=settled.why, needs=settled.blocks)
    if pair.floor is None and not pair.exact:
        why = "there is no noise floor: A/A arms are missing, or incomplete"
        return msgspec.structs.replace(none, conclusion=Conclusion.OPEN, why=why)
    estimate, reach = Estimate(list(pair.numbers.values())), pair.floor or 0.0
    low, high = (ratio(float(end)) for end in estimate.cautious())
    told = [*regions(pair.better, pair.floor).values(), *([(-reach, reach)] if reach else [])]
    comparison = msgspec.structs.replace(
        none,
        conclusion=conclude(low, high, pair.better, pair.floor),
        false_share=min(float(estimate.inside(*region)) for region in told),
        smallest_effect=ratio(power.smallest_effect(estimate, reach)) - 1,
    )
    if comparison.conclusion is not Conclusion.OPEN:
        return comparison
    return msgspec.structs.replace(comparison, why=settled.why, needs=settled.blocks)


def _nothing(pair: Pair) -> str:
    """Say why no pair of trials is complete, where neither subject lost more than the other."""
    zeros = [value for side in pair.sides for value in side.values.values()]
    if zeros and not any(zeros) and not any(side.lost for side in pair.sides):
        return "the value is 0 in every block on both sides"
    return pair.losses or "there is no block in which both trials count"


def _row(cells: Cells, place: Condition, metric: str, one: Comparison) -> dict[str, object]:
    reference = one.pair.reference.subject if one.pair.reference else ""
    where = (place.run, place.condition, dict(cells.factors(place)), one.pair.subject.subject, reference, metric)
    summed = {"blocks": 0} if one.summary is None else msgspec.structs.asdict(one.summary)
    named = dict(zip(_PAIR, where, strict=True)) | {"ratio": summed.get("geometric_mean"), "floor": one.pair.floor}
    return (
        named
        | {name: summed.get(name) for name in ("blocks", "low", "high", "robust_low", "robust_high")}
        | {name: getattr(one, name) for name in _CONCLUDED}
    )
