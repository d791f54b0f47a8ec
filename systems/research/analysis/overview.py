"""What a set of articles is about, in numbers: by source, by relevance, by the words that come most often.

It runs in a child that imports next to nothing, so it needs only a few modules of the standard library.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

_TOP, _KEYWORDS = 3, 10

# Shorter words are mostly those that hold a sentence together; so are these.
_WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]{5,}")
_COMMON = frozenset(
    """
    about above after again against although among another around because before being below between both could
    doing during either every further having itself might neither other others ought rather shall should since some
    still such than their theirs them themselves there these thing things those though through under until upon using
    various where whether which while whose within without would yours
    """.split()
)
# Chinese is written without spaces: pairs of neighbours stand in for its words, most of which are as long.
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")


def analyse(articles: list[dict[str, str | float]]) -> dict[str, object]:
    """Return the statistics of ``articles``, each with ``source``, ``title``, ``text`` and ``relevance``."""
    by_source: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for article in articles:
        by_source.setdefault(str(article["source"]), []).append(float(article["relevance"]))
        counts.update(_terms(f"{article['title']} {article['text']}".lower()))
    scores = [float(article["relevance"]) for article in articles]
    ranked = sorted(articles, key=lambda article: -float(article["relevance"]))
    return {
        "count": len(articles),
        "relevance": _mean(scores),
        "deviation": _deviation(scores),
        "sources": [
            {"source": source, "count": len(some), "relevance": _mean(some)} for source, some in by_source.items()
        ],
        "top": [{name: article[name] for name in ("source", "title", "relevance")} for article in ranked[:_TOP]],
        "keywords": counts.most_common(_KEYWORDS),
    }


def _terms(text: str) -> Iterator[str]:
    yield from (word for word in _WORD.findall(text) if word not in _COMMON)
    for run in _CHINESE.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _deviation(values: list[float]) -> float | None:
    """Return the standard deviation of a sample; None where it has fewer than two values."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
