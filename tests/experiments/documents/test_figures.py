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
    ("part", "row"), [("cutting words", "cutting words:"), ("the lookups", "the lookups"), ("the saves", "the saves")]
)
def test_where_a_turn_spends_it_is_what_was_measured(part, row):
    [saved] = re.findall(rf"{part} +\d+ µs, +(\d+) µs less", text("results/turn-cost.txt"))
    assert re.search(rf"\| {row}[^|]*\| {int(saved):,} µs \|", text("docs/measuring/turn-cost.md"))


def test_what_is_left_of_a_turn_is_what_was_measured():
    [left] = re.findall(r"all of these (\d+) µs", text("results/turn-cost.txt"))
    assert f"With all three gone {left} µs are left" in text("docs/measuring/turn-cost.md")


def test_how_long_the_standard_preset_took_is_what_was_recorded():
    [[minutes, seconds]] = re.findall(r"with its report: (\d+) min (\d+) s", text("results/standard-time.txt"))
    [inside] = re.findall(r"(\d+) % of them inside trials", text("results/standard-time.txt"))
    took = round(int(minutes) + int(seconds) / 60)
    assert f"`standard` took {took} minutes, {inside} % of them inside trials" in text("docs/measuring/presets.md")


NOISES = {
    "normal": "normal",
    "t, 3 degrees": "heavy tails (t with 3 degrees)",
    "bimodal": "two levels",
    "uniform": "uniform",
    "exponential": "skewed (exponential)",
    "lognormal": "very skewed (lognormal)",
    "spikes 5%": "a high spike in 5 % of blocks",
    "spikes 10%": "a high spike in 10 % of blocks",
    "spikes 25%": "a high spike in 25 % of blocks",
    "autocorrelated": "blocks that depend on the one before (.5)",
}


@pytest.mark.parametrize("name", NOISES)
def test_how_often_intervals_hold_the_truth_is_what_was_simulated(name):
    record = text("results/simulated-truth.txt")
    found = re.search(rf"{re.escape(name)} 6 ([\d.]+) [\d.]+ ([\d.]+) [\d.]+ [\d.]+ ([\d.]+) × ", record)
    assert f"| {NOISES[name]} | {' | '.join(found.groups())} |" in text("docs/measuring/statistics.md")


def test_how_often_conclusions_are_wrong_is_what_was_simulated():
    record = (ROOT / "results" / "simulated-truth.txt").read_text()
    page = text("docs/measuring/statistics.md")
    tables = {table.split(":")[0].split(",")[0]: table for table in record.split("\n\n")}

    def six(table: str) -> list[tuple[str, list[float]]]:
        rows = [line for line in tables[table].splitlines() if line[:16].strip() in NOISES]
        return [(line[:16].strip(), [float(share) for share in line[16:44].split("/")]) for line in rows]

    independent = [(name, shares) for name, shares in six("An effect") if name != "autocorrelated"]
    assert f"in at most {max(max(shares[:3]) for _, shares in independent)} of 100 runs with an effect" in page
    depending = max(max(shares[:3]) for name, shares in six("An effect") if name == "autocorrelated")
    assert f"wrong up to {depending} times of 100" in page
    alike = [shares for name, shares in six("Equivalence by itself") if name != "autocorrelated"]
    assert f"called alike in at most {max(shares[1] for shares in alike)} of 100" in page
    assert f"with spikes in up to {max(shares[0] for shares in alike)} of 100" in page
    assert max(shares[0] for name, shares in six("Equals compared (A/A)") if name != "autocorrelated") < 0.1
    assert "said to differ in fewer than 1 of 1,000 runs" in page
    apart = re.search(r"\nnormal +([\d.]+) +([\d.]+)", tables["A block that stands apart"]).groups()
    assert f"one does in {apart[0]} of 100 runs of six blocks if noise is normal, and in {apart[1]} of twelve" in page
