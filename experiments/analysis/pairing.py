"""Pairs within blocks: each subject's value and its reference's, in the same condition and block.

Blocks share a seed and a moment of the host, so what disturbs both cancels in the pair. Ratios are summed up by their
geometric mean, which treats twice as long and half as long alike. With six complete pairs or more there are intervals;
with fewer only the smallest and the largest ratio seen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import pandas as pd

from experiments import metrics
from experiments.analysis.cells import Cells, Condition, Side
from experiments.analysis.intervals import Estimate
from experiments.analysis.order import reference
from experiments.analysis.scales import RATIO, Scale, ratio

ENOUGH_BLOCKS = 6
"""Below this many complete pairs nothing is more than indicative: the project's rule for every comparison."""

FAR_APART_S = 600.0
"""Trials of one block that began farther apart than this do not share a moment of the host."""

FEW_UNANSWERED = 0.01
"""By how much the shares of the requests that two subjects answered may differ."""

ZERO, NO_RATIO = "the value is 0", "a value of 0 has no ratio"
_PAIR = ["run", "study", "condition", "metric", "unit", "subject", "reference"]
_RATIOS = [*_PAIR, "block", "value", "reference_value", "ratio"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A subject and its reference before they are compared; without a ``reference`` the subject by itself.

    ``better`` is the better side of the metric, ``floor`` its noise floor on the ``scale``, which an ``exact`` one does
    not need. Trials of one block were
    meant to run ``together``, but for those of two runs.
    """

    subject: Side
    reference: Side | None
    better: str
    floor: float | None = None
    scale: Scale = RATIO
    together: bool = True
    exact: bool = False

    @property
    def numbers(self) -> dict[int, float]:
        """The number of every complete pair, by block."""
        theirs = self.subject if self.reference is None else self.reference
        shared = sorted(self.subject.values.keys() & theirs.values.keys())
        numbers = {block: self.scale.of(self.subject.values[block], theirs.values[block]) for block in shared}
        return {block: number for block, number in numbers.items() if number is not None}

    @property
    def ratios(self) -> tuple[float, ...]:
        """The subject's value over its reference's, of every complete pair in the order of the blocks."""
        return tuple(ratio(number) for number in self.numbers.values())

    def missing(self, side: Side) -> dict[int, str]:
        """Return the blocks in which a trial of ``side`` counts and has nothing to compare, each with why."""
        why = ZERO if self.better == "higher" else NO_RATIO
        zeros = {block: why for block, value in side.values.items() if self.scale is RATIO and value <= 0}
        return dict(sorted({**side.lost, **zeros}.items()))

    @property
    def sides(self) -> tuple[Side, ...]:
        """The subject, and its reference where it has one."""
        return (self.subject,) if self.reference is None else (self.subject, self.reference)

    @property
    def losses(self) -> str:
        """What each of the two lost, of its own trials that count, in words; empty where neither lost anything."""
        each = ((side, self.missing(side)) for side in self.sides)
        return "; ".join(f"{side.subject} lost {counted(lost, len(side.blocks))}" for side, lost in each if lost)

    @property
    def uneven(self) -> str:
        """Which trials, values or requests one of the two lost and the other did not, in words; empty where none.

        Shares of the trials that count, each subject's of its own: a trial that is void is not one.
        """
        if self.reference is None:
            return ""
        ours, theirs = (len(self.missing(side)) / len(side.blocks) if side.blocks else 0.0 for side in self.sides)
        if ours != theirs:
            return self.losses
        shares = self._shares()
        return self.survivors if shares is not None and abs(shares[0] - shares[1]) > FEW_UNANSWERED else ""

    @property
    def survivors(self) -> str:
        """Which share of its requests each answered, in words, where a value is only of those; empty where of all."""
        shares = {side.subject: _mean_share(side, self.numbers) for side in self.sides}
        known = {subject: share for subject, share in shares.items() if share is not None}
        if not known or min(known.values()) >= 1 - FEW_UNANSWERED:
            return ""
        return "; ".join(f"{subject} answered {share:.1%} of its requests" for subject, share in known.items())

    @property
    def unanswered(self) -> tuple[str, str] | None:
        """The shares of the requests that were answered, the reference's first, where the subject answered fewer."""
        shares = self._shares()
        if shares is None or shares[1] - shares[0] <= FEW_UNANSWERED:
            return None
        return f"{shares[1]:.1%} answered", f"{shares[0]:.1%} answered"

    def _shares(self) -> tuple[float, float] | None:
        """Return the share of the requests that each of the two answered, of the blocks that both have."""
        found = [_mean_share(side, self.numbers) for side in self.sides]
        ours, theirs = found if len(found) == 2 else (None, None)
        return None if ours is None or theirs is None else (ours, theirs)

    @property
    def far_apart(self) -> dict[int, float]:
        """The blocks whose two trials began more than `FAR_APART_S` apart, each with how far, in seconds."""
        apart: dict[int, float] = {}
        if self.reference is None or not self.together:
            return apart
        for block in self.numbers:
            began, other = self.subject.began(block), self.reference.began(block)
            if began and other and abs((began - other).total_seconds()) > FAR_APART_S:
                apart[block] = abs((began - other).total_seconds())
        return apart


def _mean_share(side: Side, blocks: Iterable[int]) -> float | None:
    shares = [side.answered[block] for block in blocks if block in side.answered]
    return sum(shares) / len(shares) if shares else None


def counted(lost: Mapping[int, str], of: int) -> str:
    """Return how many blocks of so many were lost, and why."""
    if not lost:
        return f"0 of {of}"
    reasons = Counter(lost.values())
    words = (why if count == len(lost) else f"{count} × {why}" for why, count in reasons.items())
    return f"{len(lost)} of {of} ({', '.join(words)})"


class RatioSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios of one subject to its reference, summed up.

    ``low`` and ``high`` are the interval of the mean, ``robust_low`` and ``robust_high`` that of the centre, which no
    single block moves far. All four are None where indicative.
    """

    blocks: int
    geometric_mean: float
    smallest: float
    largest: float
    low: float | None = None
    high: float | None = None
    robust_low: float | None = None
    robust_high: float | None = None

    @property
    def indicative(self) -> bool:
        """Whether there were too few blocks for an interval."""
        return self.low is None


def summarise(ratios: Sequence[float], level: float = 0.95) -> RatioSummary:
    """Sum up the ratios of one pair, one a block. Raises `ValueError` unless all are positive and finite."""
    if not ratios or not all(ratio > 0 and math.isfinite(ratio) for ratio in ratios):
        raise ValueError("a geometric mean needs one ratio or more, all positive and finite")
    logs = np.log(np.asarray(ratios, dtype=float))
    ends: dict[str, float] = {}
    if len(ratios) >= ENOUGH_BLOCKS:
        estimate = Estimate(logs)
        named = zip(
            ("low", "high", "robust_low", "robust_high"),
            (*estimate.interval(level), *estimate.robust(level)),
            strict=True,
        )
        ends = {name: ratio(float(end)) for name, end in named}
    return RatioSummary(
        blocks=len(ratios),
        geometric_mean=ratio(float(logs.mean())),
        smallest=min(ratios),
        largest=max(ratios),
        **ends,
    )


def pairs_of_study(
    cells: Cells, study: str, references: Sequence[str], names: Iterable[str] | None = None
) -> list[tuple[Condition, str, Pair]]:
    """Return each subject beside its reference, of every condition, in each metric whose ratio means something.

    With the metric's name. The reference of a condition is the first of ``references`` that was tried there, whether or
    not it ended well: one that failed is not replaced by another. ``names`` are the metrics to pair in, None: all.
    """
    registered = metrics.registered()
    wanted = list(registered if names is None else names)
    found = []
    for place in cells.places(study):
        subjects = cells.subjects(place)
        base = reference(subjects, references)
        if base is None:
            continue
        for subject in (subject for subject in subjects if subject != base):
            has = {*cells.metrics(place, subject), *cells.metrics(place, base)}
            for name in (name for name in wanted if name in has):
                metric = registered[name]
                if not metric.comparable or metric.traced:
                    continue
                ours, theirs = cells.side(place, subject, name), cells.side(place, base, name)
                assert ours is not None and theirs is not None
                pair = Pair(subject=ours, reference=theirs, better=metric.better, exact=metric.exact)
                found.append((place, name, pair))
    return found


def ratios(pairs: Iterable[tuple[Condition, str, Pair]]) -> pd.DataFrame:
    """Return one row a block and pair: a subject's value over its reference's, of complete pairs."""
    rows = [
        (
            place.run, place.study, place.condition, name, metrics.get(name).unit,
            pair.subject.subject, pair.reference.subject,
            block, pair.subject.values[block], pair.reference.values[block], ratio(number),
        )
        for place, name, pair in pairs
        if pair.reference is not None
        for block, number in pair.numbers.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=_RATIOS)


def summaries(pairs: Iterable[tuple[Condition, str, Pair]]) -> pd.DataFrame:
    """Return one row a pair: its ratios summed up, which trials were lost, what else must be known of it.

    Ends of intervals are None where indicative, and everything but the words where no pair is complete.
    """
    rows = []
    for place, name, pair in pairs:
        if pair.reference is None:
            continue
        where = (place.run, place.study, place.condition, name, metrics.get(name).unit)
        named = dict(zip(_PAIR, (*where, pair.subject.subject, pair.reference.subject), strict=True))
        ratios = pair.ratios
        summed = msgspec.structs.asdict(summarise(ratios)) if ratios else {"blocks": 0}
        words = {"lost": pair.losses or pair.uneven, "indicative": len(ratios) < ENOUGH_BLOCKS}
        rows.append(named | summed | words)
    return pd.DataFrame(rows, columns=[*_PAIR, *RatioSummary.__struct_fields__, "indicative", "lost"])
