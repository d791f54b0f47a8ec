"""Measures how near two questions must lie for one's reply to serve the other, and writes the file the cache reads.

    python -m tests.benchmarks.semantic_threshold [--models minilm e5-small wordllama] [--seeds 4] [--out FILE]

For every encoder, pairs of the *settling* split are judged at each similarity and each least share of words; what has
the most hits among those that serve at most one in a hundred wrongly, in the worst kind of the worst family, is
taken. The same without the gate is written beside it, for comparison. An encoder that reads Latin letters alone is
measured in English. Nothing of the held-out split is looked at.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from experiments.grading import paired
from experiments.workloads.paired.pairs import LANGUAGES, QuestionPair, pairs
from systems.engines.embedding.opening import embedding_engine
from systems.models import embeddings
from systems.tiered.semantic import thresholds
from systems.tiered.semantic.thresholds import MeasuredThreshold, Thresholds

# Of the curve every so many points are written.
_THIN = 10


def settle(model: str, seeds: int) -> MeasuredThreshold:
    """Measure one encoder."""
    encoder = embedding_engine(embeddings.resolve(model).path)
    encoder.load()
    try:
        languages = LANGUAGES[:1] if encoder.latin_only else LANGUAGES
        asked: list[QuestionPair] = list(
            dict.fromkeys(
                pair for seed in range(seeds) for language in languages for pair in pairs(seed, "settling", language)
            )
        )
        found = paired.judged(encoder, asked)
        point = paired.chosen(found, gated=True)
        share = point.threshold.least_shared if point else 1.0
        return MeasuredThreshold(
            encoder=encoder.identity,
            alike=sum(pair.same for pair in asked),
            different=sum(not pair.same for pair in asked),
            chosen=point,
            without_gate=paired.chosen(found, gated=False),
            curve=paired.curve(found, gated=True, least_shared=share)[::_THIN],
        )
    finally:
        encoder.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=embeddings.names())
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path(thresholds.__file__).with_name(thresholds.FILE))
    chosen = parser.parse_args()
    measured = Thresholds(
        schema_version=1,
        split="settling",
        seeds=chosen.seeds,
        most_false=paired.MOST_FALSE,
        encoders=[settle(model, chosen.seeds) for model in chosen.models],
    )
    for one in measured.encoders:
        print(one.encoder, one.alike, one.different, one.chosen)
    chosen.out.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")


if __name__ == "__main__":
    main()
