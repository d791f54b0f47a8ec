"""What a run says of one claim, in one sentence that needs no statistics: made of the verdicts, never written.

Conditions are told in groups: those that the claim's entry names, else those in which a real model answers, one of
random weights, or none. Of each group it says how the measure moved, or where it stood, and how often that is what was
published. The ends of a range are effects of conditions, not of an interval: the table of verdicts has those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from experiments import metrics
from experiments.analysis.claims import Claim
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.report import text

_REAL, _RANDOM, _NONE, _ALL = "with a real model", "with a model of random weights", "without a model", ""
_INFERENCE = frozenset({"inference", "own words"})
"""Levels of the factor ``work`` in which a model answers: a real one, unless its weights are random."""
_AS_TIMES = 100.0  # percent: a rise of more is easier to read as a multiple


class Kind(StrEnum):
    """What became of a claim in one condition, as a reader asks."""

    AS = "as published"
    LESS = "less than published"
    MORE = "more than published"
    NOT = "not so"
    OPPOSITE = "the other way"
    MET = "met"
    NEARLY = "nearly met"
    MISSED = "missed"
    OPEN = "cannot be told"


_COUNTED = {
    Kind.AS: "as published in",
    Kind.LESS: "by less than published in",
    Kind.MORE: "by more than published in",
    Kind.NOT: "not so in",
    Kind.OPPOSITE: "the other way in",
    Kind.OPEN: "not to be told in",
    Kind.MET: "met in",
    Kind.NEARLY: "nearly met in",
    Kind.MISSED: "missed in",
}


def sentence(mine: Sequence[ClaimVerdict]) -> str:
    """Return what the verdicts on one claim come to."""
    claim = mine[0].claim
    measured = [one for one in mine if one.verdict is not Verdict.NOT_MEASURED]
    if not measured:
        return text.plain(f"Not measured: {claim.not_measured or mine[0].why}.")
    clauses, before = [], ""
    for words, ones in _grouped(claim, measured):
        what = _what(claim, ones)
        said = (_effect if claim.is_effect else _level)(claim, "it" if what == before else what, ones)
        clauses.append(f"{words}, {said}" if words else said)
        before = what
    whole = text.plain("; ".join(clauses))
    absent = len(mine) - len(measured)
    beside = f" Not measured in {absent} further {_conditions(absent)}." if absent else ""
    return f"{whole[:1].upper()}{whole[1:]}.{beside}"


def kind(one: ClaimVerdict) -> Kind:
    """Return what became of a claim in the condition of one verdict that was given."""
    if one.verdict is Verdict.INCONCLUSIVE:
        return Kind.OPEN
    if not one.claim.is_effect:
        return {Verdict.REPRODUCED: Kind.MET, Verdict.PARTLY: Kind.NEARLY}.get(one.verdict, Kind.MISSED)
    if one.verdict is Verdict.REPRODUCED:
        return Kind.AS
    low, high = _published(one.claim)
    if low <= 0 <= high:
        return Kind.MORE  # a change that was said to be small
    if one.verdict is Verdict.PARTLY:
        assert one.effect is not None
        return Kind.LESS if abs(one.effect) < min(abs(low), abs(high)) else Kind.MORE
    return Kind.OPPOSITE if _opposes(one, rise=low > 0) else Kind.NOT


def _opposes(one: ClaimVerdict, *, rise: bool) -> bool:
    """Return whether both intervals lie on the other side of no effect than the claim, beyond the noise floor."""
    lows, highs = (one.low, one.robust_low), (one.high, one.robust_high)
    floor = one.floor or 0.0
    if rise:
        # A ratio's floor is as far below no change as above it.
        least = -100 * floor / (100 + floor) if one.claim.unit == "percent change" else -floor
        return all(end is not None and end < least for end in highs)
    return all(end is not None and end > floor for end in lows)


def _grouped(claim: Claim, measured: Iterable[ClaimVerdict]) -> list[tuple[str, list[ClaimVerdict]]]:
    """Return the verdicts by the words for their conditions, in the order in which a reader asks."""
    order = [*(group.words for group in claim.groups), _REAL, _RANDOM, _NONE, _ALL]
    groups: dict[str, list[ClaimVerdict]] = {words: [] for words in order}
    for one in measured:
        groups[_words(claim, one)].append(one)
    return [(words, ones) for words, ones in groups.items() if ones]


def _words(claim: Claim, one: ClaimVerdict) -> str:
    assert one.test is not None  # it was measured
    for group in claim.groups:
        if group.holds(one.test):
            return group.words
    work = one.test.factors.get("work")
    if work is None:
        return _ALL
    if work not in _INFERENCE:
        return _NONE
    return _RANDOM if one.random_weights else _REAL


def _what(claim: Claim, ones: Sequence[ClaimVerdict]) -> str:
    """Return the measure's name: the claim's own words, else its title where there is one measure."""
    titles = {metrics.get(one.metric).title.lower() for one in ones}
    return claim.what or (titles.pop() if len(titles) == 1 else "each measure")


def _effect(claim: Claim, what: str, ones: Sequence[ClaimVerdict]) -> str:
    kinds = Counter(map(kind, ones))
    effects = [one.effect for one in ones if one.effect is not None]
    low, high = _published(claim)
    verb, noun = ("rises", "rise") if low > 0 else ("falls", "fall")
    if low <= 0 <= high:
        verb, noun = "stays so close", "closeness"
    if not effects:
        return f"nothing can be told of {what}"
    if len(kinds) > 1:
        return f"{what} changes by {_signed(claim, effects)}: {_counted(kinds)}"
    [only] = kinds
    if only is Kind.NOT:
        return f"there is no such {noun} of {what} ({_signed(claim, effects)})"
    if only is Kind.OPEN:
        return f"it cannot be told whether {what} {verb} ({_signed(claim, effects)})"
    moves = f"{what} {_moves(claim, effects)}"
    return f"{moves}, {only}" if only is not Kind.OPPOSITE else f"{moves}, the opposite of what was published"


def _level(claim: Claim, what: str, ones: Sequence[ClaimVerdict]) -> str:
    kinds = Counter(map(kind, ones))
    levels = [one.effect for one in ones if one.effect is not None]
    units = {metrics.get(one.metric).unit for one in ones}
    shown = bool(levels) and len(units) == 1 and claim.unit != "yes or no"
    stands = f"{what} is {_span(levels, units.pop())}, and " if shown else ""
    if len(kinds) > 1:
        return f"{stands}the criterion is {_counted(kinds)}"
    [only] = kinds
    if only is Kind.OPEN:
        return f"{stands}it cannot be told whether the criterion is met"
    return f"{stands}the criterion is {only}"


def _span(levels: Sequence[float], unit: str) -> str:
    if unit != "ratio":
        return text.span(min(levels), max(levels), unit)
    ends = list(dict.fromkeys(f"{text.significant(100 * end)}\u00a0%" for end in (min(levels), max(levels))))
    return " … ".join(ends)


def _moves(claim: Claim, effects: Sequence[float]) -> str:
    """Return the effects as a rise or a fall, or with their signs where there are both."""
    if min(effects) < 0 < max(effects):
        return f"changes by {_signed(claim, effects)}"
    if claim.unit == "percent change" and min(effects) >= _AS_TIMES:
        return f"becomes {_ends(1 + each / 100 for each in sorted(effects))} times as large"
    sizes = sorted(abs(each) for each in effects)
    direction = "falls" if max(effects) <= 0 else "rises"
    return f"{direction} by {_ends(sizes)}{_unit(claim)}"


def _ends(numbers: Iterable[float]) -> str:
    """Return the first and the last of some numbers; one where both read alike."""
    written = [text.significant(number, 2) for number in numbers]
    return " … ".join(dict.fromkeys((written[0], written[-1])))


def _signed(claim: Claim, effects: Sequence[float]) -> str:
    ends = [f"{'+' if end > 0 else ''}{text.significant(end, 2)}" for end in (min(effects), max(effects))]
    return f"{' … '.join(dict.fromkeys(ends))}{_unit(claim)}"


def _unit(claim: Claim) -> str:
    return "\u00a0%" if claim.unit == "percent change" else f" {claim.unit}"


def _published(claim: Claim) -> tuple[float, float]:
    assert claim.low is not None and claim.high is not None  # `claims.load` lets no other effect be tested
    return claim.low, claim.high


def _counted(kinds: Counter[Kind]) -> str:
    parts = [f"{_COUNTED[each]} {kinds[each]}" for each in Kind if kinds[each]]
    total = kinds.total()
    return f"{', '.join(parts[:-1])} and {parts[-1]} of {total} {_conditions(total)}"


def _conditions(count: int) -> str:
    return "condition" if count == 1 else "conditions"
