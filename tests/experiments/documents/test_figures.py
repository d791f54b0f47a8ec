"""What pages say of the smaller measurements is what the committed records in results/ hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def text(name: str) -> str:
    """Return a file's text with single spaces."""
    return re.sub(r"\s+", " ", (ROOT / name).read_text())


def test_what_a_turn_costs_is_what_was_measured():
    record = text("results/turn-cost.txt")
    page = text("docs/measuring/turn-cost.md")
    factors = {}
    for engine, row in (("agent", "the same model in both"), ("simulated", "the simulated engine in the agent")):
        shown = [
            re.search(rf"{processors}: median of {engine} over bare × ([\d.]+)", record)[1]
            for processors in ("all processors", "one processor")
        ]
        assert f"| with {row} | × {shown[0]} | × {shown[1]} |" in page
        factors[engine] = shown[0]
    assert f"costs {factors['simulated']} times" in text("docs/results.md")
    assert f"and {factors['agent']} times with the very same model" in text("docs/results.md")


@pytest.mark.parametrize(
    ("part", "row"), [("keywords", "the keywords:"), ("lookups", "the lookups"), ("saves", "the saves")]
)
def test_where_a_turn_spends_it_is_what_was_measured(part, row):
    [saved] = re.findall(rf"the {part} \d+ µs, (\d+) µs less", text("results/turn-cost.txt"))
    assert re.search(rf"\| {row}[^|]*\| {saved} µs \|", text("docs/measuring/turn-cost.md"))


def test_what_is_left_of_a_turn_is_what_was_measured():
    [left] = re.findall(r"all of these (\d+) µs", text("results/turn-cost.txt"))
    assert f"With all three gone {left} µs are left" in text("docs/measuring/turn-cost.md")


def test_how_long_the_standard_preset_took_is_what_was_recorded():
    [[minutes, seconds]] = re.findall(r"with its report: (\d+) min (\d+) s", text("results/standard-time.txt"))
    [inside] = re.findall(r"(\d+) % of them inside trials", text("results/standard-time.txt"))
    took = round(int(minutes) + int(seconds) / 60)
    assert f"`standard` took {took} minutes, {inside} % of them inside trials" in text("docs/measuring/presets.md")
