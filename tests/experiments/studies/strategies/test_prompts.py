"""The part that asks the same at length and in few words: equal data, equal replies, and what is counted and drawn."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis import claims
from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import Cell, GridRequest
from experiments.report.figures.strategies import prompts as figure
from experiments.studies.strategies import _prompts, prompts
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from tests.experiments.studies.strategies.in_process import drawn, tried, value

ENGINE = SimulatedEngine(SimulatedSettings())


def _cells(preset: str, engine: str = "simulated") -> list[Cell]:
    return prompts.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name=engine)))


@given(seed=st.integers(0, 9), tokens=st.integers(0, 120))
def test_data_is_as_long_as_asked_and_no_word_longer(seed: int, tokens: int) -> None:
    made = _prompts.data(ENGINE, random.Random(seed), tokens)
    assert ENGINE.count(made) >= tokens
    assert ENGINE.count(made.rpartition(" ")[0]) < tokens or tokens == 0
    assert made == _prompts.data(ENGINE, random.Random(seed), tokens)


def test_the_instructions_are_as_long_as_the_published_ones() -> None:
    words = {name: [word for word in text.split() if word[0].isalpha()] for name, text in _prompts.INSTRUCTIONS.items()}
    assert {name: len(each) for name, each in words.items()} == {"verbose": 26, "concise": 7}


@pytest.mark.parametrize("claim", ["S4-prompt", "S4-prompt-lat", "S4-prompt-cost"])
def test_the_standard_preset_tests_every_condition_of_the_claims(claim: str) -> None:
    cells = _cells("standard")
    for test in claims.get(claim).tests:
        there = {cell.subject for cell in cells if test.fits(cell.condition)}
        assert {test.subject, test.reference} == there, test.title


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """The trials of the preset quick, in which no model runs."""
    folder = tmp_path_factory.mktemp("prompts")
    return [tried(prompts, cell, folder) for cell in _cells("quick")]


def test_replies_are_equally_long_and_the_concise_instruction_saves_the_same_tokens_beside_any_data(
    records: list[Record],
) -> None:
    pairs: dict[str, dict[str, Record]] = {}
    for record in records:
        assert value("success_rate", record) == 1
        assert value("reply_tokens", record) == record.spec.condition["reply"]
        pairs.setdefault(str(record.spec.condition), {})[record.spec.subject] = record
    saved = [value("asked_tokens", pair["verbose"]) - value("asked_tokens", pair["concise"]) for pair in pairs.values()]
    assert min(saved) == max(saved) > 0
    whole = [value("call_tokens", pair["verbose"]) - value("call_tokens", pair["concise"]) for pair in pairs.values()]
    assert whole == saved


def test_a_real_model_is_made_to_say_replies_of_the_same_length(tmp_path: Path, tiny_model: Path) -> None:
    for cell in _cells("smoke", "llama"):
        record = tried(prompts, cell, tmp_path, model=tiny_model)
        assert {row.outcome for row in record.part().requests} == {"ok"}
        assert value("reply_tokens", record) == cell.condition["reply"]
        assert value("call_tokens", record) > value("asked_tokens", record) + value("reply_tokens", record)
        assert 0 < value("time_to_first_token_p50", record) <= value("latency_p50", record)


def test_the_figures_have_the_published_share_across_them(records: list[Record], tmp_path: Path) -> None:
    found = drawn(figure, records, tmp_path)
    assert set(found) == {"strategies-prompts", "strategies-prompts-time"}
    assert "claim-S4-prompt-0" in found["strategies-prompts"].svg.decode()
    assert "claim-S4-prompt-lat-1" in found["strategies-prompts-time"].svg.decode()
    assert found["strategies-prompts-time"].title.startswith("No model ran.")
    assert "without data, " in found["strategies-prompts"].title
