"""What docs/batched-engine.md says of the engine in the agent is what the reference holds."""

from pathlib import Path

import pytest

from experiments import load_run
from experiments.report import text

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def comparisons():
    return load_run(ROOT / "results" / "reference" / "load").comparisons


@pytest.mark.parametrize("metric", ["throughput", "latency_p95"])
def test_the_page_says_what_the_records_hold(comparisons, metric):
    page = (ROOT / "docs" / "batched-engine.md").read_text()
    section = page[page.index("## In the agent") : page.index("## Beside llama.cpp's own server")]
    ladder = comparisons["factors"].map(lambda given: given.get("engines") == "ladder")
    shown = comparisons[ladder & (comparisons["metric"] == metric)]
    assert len(shown) == 7
    for ratio in shown["geometric_mean"].astype(float):
        assert f"× {text.significant(ratio)} " in section
