"""What a cache by meaning serves: of pairs that mean the same, of pairs that do not, by kind, and of a stream.

On pairs, the shares are of the pairs of a kind: how many of them a person meets is no property of a cache. On a stream
they are of all questions; a *wrong* hit is one whose reply was made for another meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number, percentile, subject
from experiments.metrics.interface import Metric, Missing

_DIFFERENT = ("polarity", "changed", "history")
_MOST_WRONG = 0.01


def served(record: Record, kinds: tuple[str, ...]) -> float | Missing:
    """Compute the share of the pairs of ``kinds`` that hit."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    total = sum(part.values.get(kind, 0) for kind in kinds)
    if not total:
        return Missing("no such pairs were judged")
    return sum(part.values.get(f"{kind}_hits", 0) for kind in kinds) / total


def wrong_share(record: Record) -> float | Missing:
    """Compute the share of all questions that got a wrong reply from the cache."""
    if record.spec.condition.get("from") != "stream":
        return Missing("no stream was answered")
    accesses, wrong = number(record, "accesses"), number(record, "wrong")
    if isinstance(accesses, Missing) or isinstance(wrong, Missing) or accesses <= 0:
        return Missing("no stream was answered")
    return wrong / accesses


def at_one_percent(record: Record) -> float | Missing:
    """Compute the hit rate, 0 where more than one in a hundred questions was answered wrongly."""
    share, hits, accesses = wrong_share(record), number(record, "hits"), number(record, "accesses")
    if isinstance(share, Missing) or isinstance(hits, Missing) or isinstance(accesses, Missing):
        return Missing("no stream was answered")
    return hits / accesses if share <= _MOST_WRONG else 0.0


def lookup(record: Record, percent: float) -> float | Missing:
    """Compute a percentile of the lookups' times."""
    part = subject(record)
    return part if isinstance(part, Missing) else percentile(part.series.get("lookup_s", ()), percent, "lookup")


def _share(name: str, title: str, kinds: tuple[str, ...], better: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="ratio",
        better="higher" if better == "higher" else "lower",
        formula=f"pairs of {', '.join(kinds)} whose second question was served ÷ all of them",
        compute=partial(served, kinds=kinds),
        exact=True,
    )


def _time(name: str, title: str, compute: Callable[[Record], float | Missing], percent: int) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="s",
        better="lower",
        formula=f"{percent} % of lookups took no longer",
        compute=compute,
    )


METRICS = (
    _share("semantic_hit_rate", "Paraphrases served", ("paraphrase",), "higher"),
    _share("semantic_false_hits", "False hits", _DIFFERENT, "lower"),
    _share("semantic_false_polarity", "False hits, turned round", ("polarity",), "lower"),
    _share("semantic_false_changed", "False hits, a name or number changed", ("changed",), "lower"),
    _share("semantic_false_history", "False hits, another history", ("history",), "lower"),
    Metric(
        name="wrong_lookup_share",
        title="Questions answered wrongly by the cache",
        unit="ratio",
        better="lower",
        formula="hits whose reply was made for another meaning ÷ questions",
        compute=wrong_share,
        exact=True,
    ),
    Metric(
        name="hits_at_one_percent",
        title="Hit rate at no more than 1 % wrong",
        unit="ratio",
        better="higher",
        formula="hits ÷ questions; 0 where more than 1 % of the questions got a wrong reply",
        compute=at_one_percent,
        exact=True,
    ),
    _time("lookup_p50", "Lookup in the cache, median", partial(lookup, percent=50), 50),
    _time("lookup_p95", "Lookup in the cache, 95th percentile", partial(lookup, percent=95), 95),
)
