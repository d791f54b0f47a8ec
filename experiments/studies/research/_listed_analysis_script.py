"""The analysis's child as the source lists it: JSON in on standard input, JSON out on standard output.

``python _listed_analysis_script.py CASE`` does the work, or in its stead what `_analysis_cases` has under the name.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from statistics import mean, stdev
from typing import Any

_IGNORED = {"about", "after", "their", "there", "these", "those", "where", "which", "while", "would"}


def analyse(articles: list[dict[str, Any]]) -> dict[str, Any]:
    """Return statistics by source, by relevance and by word."""
    grouped: dict[str, list[float]] = {}
    for article in articles:
        grouped.setdefault(article["source"], []).append(article["relevance"])
    best = sorted(articles, key=lambda article: article["relevance"], reverse=True)[:3]
    text = " ".join(f"{article['title']} {article['text']}" for article in articles).lower()
    words = [word.strip(".,!?;:'\"()[]") for word in text.split() if len(word) > 4 and word not in _IGNORED]
    scores = [article["relevance"] for article in articles]
    return {
        "overall": {
            "count": len(articles),
            "avg_relevance": round(mean(scores), 3),
            "std_relevance": round(stdev(scores), 3) if len(scores) > 1 else 0.0,
        },
        "by_source": {
            source: {"count": len(some), "avg_relevance": round(mean(some), 3)} for source, some in grouped.items()
        },
        "top_articles": [{name: article[name] for name in ("title", "source", "relevance")} for article in best],
        "top_keywords": Counter(words).most_common(10),
    }


def main() -> None:
    """Answer on standard output, or say an error on standard error and end with status 1."""
    try:
        articles = json.loads(sys.stdin.read())
        # Beside this file, which is run by its path: nothing of the project is imported.
        case = sys.argv[1]
        work = getattr(importlib.import_module("_analysis_cases"), case) if case else analyse
        print(json.dumps(work(articles)))
    except Exception as error:  # noqa: BLE001 - as listed
        print(json.dumps({"error": str(error)}), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
