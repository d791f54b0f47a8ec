"""The figures of the engine's ladder, and of what agent and engine each bring, from invented records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments import load_run
from experiments.measuring.records import Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures import ladders
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic
from tests.experiments.report import batched_records

STUDY = UnknownStudy(references=("baseline", "baseline on serial"), primary=("throughput", "latency_p95"))


def drawn(folder: Path, records: Sequence[Record]) -> dict[str, Drawn]:
    here = scene(load_run(synthetic.write(folder, records, blocks=6)), "load", STUDY)
    with drawing.style():
        made = [*ladders.agent_and_engine(here, "inference"), *ladders.engines(here, "inference")]
    return {figure.name: figure for figure in made}


def ratios(title: str) -> list[tuple[str, float]]:
    """Return what a title lists, each with its ratio."""
    listed = title.partition(": ")[2].replace("\u00a0", " ").split(", ")
    return [(words, float(ratio)) for words, _, ratio in (one.rpartition(" × ") for one in listed)]


def test_the_agent_the_engine_and_both_are_told_apart_at_the_most_users(tmp_path: Path) -> None:
    [figure] = drawn(tmp_path, list(batched_records.closed(6))).values()
    assert figure.name == "load-agent-and-engine-inference"
    assert figure.title.startswith("Times the throughput of baseline at 50 users: ")
    assert [words for words, _ in ratios(figure.title)] == [
        "asynchronous",
        "batched engine",
        "asynchronous + batched engine",
    ]
    assert [ratio for _, ratio in ratios(figure.title)] == pytest.approx([1, 1.25, 5], rel=0.02)


def test_the_engines_ladder_lists_its_steps_in_order(tmp_path: Path) -> None:
    [figure] = drawn(tmp_path, list(batched_records.ladder(6))).values()
    assert figure.name == "load-engines-10-inference"
    assert ratios(figure.title) == [
        (words, pytest.approx(ratio, rel=0.02))
        for words, ratio in (
            ("threads", 1),
            ("one slot of the batched engine", 0.5),
            ("batching", 0.8),
            ("prefixes", 1.5),
            ("states", 4),
            ("cache", 8),
            ("baseline on batched+prefixes+states", 1.25),
        )
    ]


def test_without_an_agent_on_the_batched_engine_there_is_no_such_figure(tmp_path: Path) -> None:
    serial = [one for one in batched_records.closed(6) if "batched" not in one.spec.subject]
    assert drawn(tmp_path, serial) == {}
