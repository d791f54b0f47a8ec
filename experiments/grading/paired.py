"""What a semantic cache would do with pairs of questions, at every threshold; and which threshold is taken.

*Gated* is the whole cache: a question that stands alone, the same scope, the gate, the vectors. Without the gate the
first two still hold, and vectors alone decide. (A cache that has neither serves the same words after any history, at
whatever threshold: it has nothing to settle.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from experiments.workloads.paired.pairs import QuestionPair
from systems.engines.interface import EmbeddingEngine
from systems.tiered.semantic.gate import RULES, Gate, shared
from systems.tiered.semantic.scopes import Scopes
from systems.tiered.semantic.standing import stands_alone
from systems.tiered.semantic.thresholds import Point, Threshold
from systems.tiered.semantic.wording import Wording

MOST_FALSE = 0.01
"""Where a threshold is chosen, so many of the pairs that must not hit may, in the worst kind of the worst family.

Pairs of one family are alike: what fails in one of them will fail in another that nobody wrote yet."""

NEVER = Threshold(similarity=2.0)
"""No cosine is as high."""

THIN = 5
"""Of a curve every so many points are kept in a record."""

_SIMILARITIES = tuple(round(0.2 + 0.002 * step, 3) for step in range(401))
_SHARES = (0.0, 0.34, 0.5, 0.6, 0.67, 0.75, 0.8, 1.0)
_BEFORE_CONTENT = tuple(rule for rule in RULES if rule != "content")


class Judged(msgspec.Struct, frozen=True):
    """A pair, how near its vectors lie, the share of words both say, and what forbids a hit ("" if nothing does)."""

    pair: QuestionPair
    similarity: float
    shared: float
    forbidden: str

    def hits(self, threshold: Threshold, *, gated: bool) -> bool:
        """Return whether the second question is served the first's reply."""
        return _lets(self, threshold.least_shared, gated=gated) and self.similarity >= threshold.similarity


def judged(encoder: EmbeddingEngine, pairs: Sequence[QuestionPair]) -> list[Judged]:
    """Judge ``pairs``. The encoder is loaded. Raises `EngineError`."""
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.first, pair.then)))
    vectors = dict(zip(texts, encoder.embed(texts, "query").vectors, strict=True))
    wordings = {text: Wording.of(text) for text in texts}
    alone = {text: stands_alone(text) for text in texts}
    gate = Gate(rules=_BEFORE_CONTENT)
    found = []
    for pair in pairs:
        one, two = wordings[pair.first], wordings[pair.then]
        forbidden: str = ""
        if not alone[pair.first] or not alone[pair.then]:
            forbidden = "standing"
        elif not _same_scope(pair):
            forbidden = "scope"
        else:
            forbidden = gate.difference(one, two) or ""
        similarity = float(vectors[pair.first] @ vectors[pair.then])
        found.append(Judged(pair, similarity, shared(one, two), forbidden))
    return found


def _same_scope(pair: QuestionPair) -> bool:
    scopes = Scopes()
    if pair.before_first:
        scopes.said("one", pair.before_first)
    first = scopes.scope("one")
    scopes.said("one", pair.first)
    then = "other" if pair.another else "one"
    if pair.before_then:
        scopes.said(then, pair.before_then)
    return scopes.scope(then) == first


def curve(found: Sequence[Judged], *, gated: bool, least_shared: float = 1.0) -> list[Point]:
    """Return a point for each similarity, the lowest first."""
    alike = np.array([one.similarity for one in found if one.pair.same and _lets(one, least_shared, gated=gated)])
    count = sum(one.pair.same for one in found)
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    sizes: dict[tuple[str, str], int] = defaultdict(int)
    for one in found:
        if not one.pair.same:
            group = (one.pair.kind, one.pair.family)
            sizes[group] += 1
            groups[group] += [one.similarity] if _lets(one, least_shared, gated=gated) else []
    points = []
    for similarity in _SIMILARITIES:
        wrong = {group: int(np.sum(np.array(groups[group]) >= similarity)) for group in sizes}
        points.append(
            Point(
                threshold=Threshold(similarity=similarity, least_shared=least_shared if gated else 0.0),
                hits=float(np.sum(alike >= similarity)) / max(1, count),
                false_hits=sum(wrong.values()) / max(1, sum(sizes.values())),
                worst_false=max((wrong[group] / sizes[group] for group in sizes), default=0.0),
            )
        )
    return points


def _lets(one: Judged, least_shared: float, *, gated: bool) -> bool:
    if not gated:
        return one.forbidden not in ("standing", "scope")
    return not one.forbidden and one.shared >= least_shared


def chosen(found: Sequence[Judged], *, gated: bool) -> Point | None:
    """Return the point with the most hits among those with few enough false ones; of equal ones the strictest."""
    points = [
        point for share in (_SHARES if gated else (0.0,)) for point in curve(found, gated=gated, least_shared=share)
    ]
    allowed = [point for point in points if point.worst_false <= MOST_FALSE]
    best = max(
        allowed, key=lambda point: (point.hits, point.threshold.least_shared, point.threshold.similarity), default=None
    )
    return best if best is not None and best.hits > 0 else None


def counts(found: Iterable[Judged], threshold: Threshold, *, gated: bool) -> dict[str, int]:
    """Return how many pairs of each kind there are ("polarity"), and how many of them hit ("polarity_hits")."""
    total: dict[str, int] = defaultdict(int)
    for one in found:
        total[one.pair.kind] += 1
        total[f"{one.pair.kind}_hits"] += one.hits(threshold, gated=gated)
    return total
