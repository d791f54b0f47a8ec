"""Judges pairs that others wrote with the semantic cache's shipped thresholds: a check, on which nothing was settled.

    pip download --no-deps fow-cache==0.1.0 && unzip fow_cache-0.1.0*.whl fow_cache/data/pairs.jsonl
    python -m tests.benchmarks.semantic_outside fow_cache/data/pairs.jsonl [--models minilm e5-small wordllama]

The pairs are by Mabon ap Gwyn (CC BY 4.0): a line each with ``a``, ``b``, ``category`` and ``same_answer``. For every
category it prints how many hit with the whole cache, and with vectors alone at the same similarity.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from experiments.grading import paired
from experiments.workloads.paired.pairs import QuestionPair
from systems.engines.embedding.opening import embedding_engine
from systems.models import embeddings
from systems.tiered.semantic.thresholds import threshold_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--models", nargs="+", default=embeddings.names())
    chosen = parser.parse_args()
    rows = [json.loads(line) for line in chosen.pairs.read_text("utf-8").splitlines()]
    asked = [
        QuestionPair("paraphrase" if row["same_answer"] else "changed", "en", row["category"], row["a"], row["b"])
        for row in rows
    ]
    for model in chosen.models:
        encoder = embedding_engine(embeddings.resolve(model).path)
        encoder.load()
        try:
            threshold, found = threshold_of(encoder.identity), paired.judged(encoder, asked)
        finally:
            encoder.close()
        counted: Counter[tuple[str, bool, str]] = Counter()
        for one in found:
            group = (one.pair.family, one.pair.same)
            counted[*group, "pairs"] += 1
            counted[*group, "whole cache"] += one.hits(threshold, gated=True)
            counted[*group, "vectors alone"] += one.hits(threshold, gated=False)
        print(f"{model}: similarity {threshold.similarity}, least shared {threshold.least_shared}")
        for category, same in dict.fromkeys((one.pair.family, one.pair.same) for one in found):
            whole, bare, pairs = (counted[category, same, what] for what in ("whole cache", "vectors alone", "pairs"))
            wanted = "should hit" if same else "should not"
            print(f"  {category:12} {wanted}: {whole} of {pairs} by the whole cache, {bare} by vectors alone")


if __name__ == "__main__":
    main()
