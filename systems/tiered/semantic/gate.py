"""The gate: what in the wording of two questions says that they ask different things, however near their vectors lie.

Each rule has a name, and can be left out, so that a study can say what each is worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

from systems.tiered.semantic.wording import Wording, opposed

Rule = Literal["kind", "numbers", "units", "names", "negation", "comparison", "direction", "content"]
RULES: tuple[Rule, ...] = get_args(Rule)


class Gate:
    """Lets two questions through as one unless a rule tells them apart.

    Chinese shows no names by capitals: there any word that stands in another's place may be one, and counts as one.

    ``least_shared`` is the least share of the words of substance of both that both must say: 1 wants the same words,
    but for order, endings and a few everyday words that stand for each other.
    """

    def __init__(self, *, least_shared: float = 1.0, rules: Sequence[Rule] = RULES) -> None:
        self._least_shared = least_shared
        self._rules = rules

    def difference(self, one: Wording, other: Wording) -> Rule | None:
        """Return the first rule that tells the questions apart, or None."""
        return next((rule for rule in self._rules if self._differ(rule, one, other)), None)

    def _differ(self, rule: Rule, one: Wording, other: Wording) -> bool:
        match rule:
            case "kind":
                return one.kind != other.kind
            case "numbers":
                return one.numbers != other.numbers
            case "units":
                return one.units != other.units
            case "names":
                if not one.shows_names or not other.shows_names:
                    return _exchanged(one, other)
                return not (one.names <= {*other.terms, *other.names} and other.names <= {*one.terms, *one.names})
            case "negation":
                turned = opposed(one.words - other.words, other.words) or opposed(other.words - one.words, one.words)
                return one.negated != other.negated or turned
            case "comparison":
                return one.poles != other.poles or one.limits != other.limits
            case "direction":
                return one.passive != other.passive or _turned_round(one, other)
            case "content":
                return shared(one, other) < self._least_shared


def _exchanged(one: Wording, other: Wording) -> bool:
    """Return whether each says a word of substance that the other does not: one may have taken the other's place."""
    ours, theirs = Counter(one.terms), Counter(other.terms)
    return bool(ours - theirs) and bool(theirs - ours)


def shared(one: Wording, other: Wording) -> float:
    """Return the share of the words of substance of both that both say; 1 if neither has any."""
    ours, theirs = Counter(one.terms), Counter(other.terms)
    every = (ours | theirs).total()
    return (ours & theirs).total() / every if every else 1.0


def _turned_round(one: Wording, other: Wording) -> bool:
    """Return whether what both say stands in an order that may turn round who does what to whom.

    "The router's password" and "the password of the router" change places two by two; "a chases b" and "b chases a"
    turn round three. The passive turns round without another order: one that only one of them has is told apart by
    itself. Where a word of direction stands ("from", "than", "by"), two are enough.
    """
    common = Counter(one.terms) & Counter(other.terms)
    ours, theirs = _only(one.terms, common), _only(other.terms, common)
    while ours and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    while ours and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    if not ours:
        return False
    if one.directed or other.directed or {*ours} <= (one.names | other.names):
        return True
    return not any(ours[place:] + ours[:place] == theirs for place in range(len(ours)))


def _only(terms: Sequence[str], wanted: Counter[str]) -> list[str]:
    left, found = Counter(wanted), []
    for term in terms:
        if left[term]:
            left[term] -= 1
            found.append(term)
    return found
