"""The part that chooses between a small and a large model: the rule, the questions, and what each way answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import Cell, GridRequest
from experiments.report.figures.strategies import model_choice as figure
from experiments.studies.strategies import _model_choice, model_choice
from experiments.studies.strategies._model_choice_names import is_simple
from systems.models.find import READER
from tests.experiments.studies.strategies.in_process import drawn, tried, value

NOTES = st.lists(st.text("ab c", max_size=60), max_size=5)


def _cells(shapes: tuple[str, ...] = ("smollm2", "reader")) -> list[Cell]:
    """Return a cell of the preset standard for each way, with two questions."""
    engine = EngineSpec(name="llama")
    cells = model_choice.cells(
        GridRequest(preset="standard", systems=(), engine=engine, shapes=dict.fromkeys(shapes, engine))
    )
    two = {"questions": 2}
    return [msgspec.structs.replace(cell, condition=cell.condition | two) for cell in cells if not cell.twin]


@given(notes=NOTES, more=NOTES)
def test_more_notes_make_no_question_simple(notes: list[str], more: list[str]) -> None:
    assert is_simple(notes) >= is_simple([*notes, *more])


def test_questions_come_with_what_decides_them_and_the_wanted_share_is_plain() -> None:
    asked = _model_choice.questions(1, 16, 0.25)
    assert asked == _model_choice.questions(1, 16, 0.25)
    assert len(asked) == 16
    assert sum(each.plain for each in asked) == 4
    for each in asked:
        assert 0 < len(each.notes) == len(set(each.notes)) <= 4
        if each.question.evidence and not each.plain:
            assert each.question.language == "en"


def test_without_the_models_every_way_is_skipped_with_how_to_get_them() -> None:
    assert all("fourgig model get smollm2" in cell.impossible for cell in _cells(()))
    assert not any(cell.impossible for cell in _cells())


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Record]:
    """One trial a way; random weights stand for the large model, whose answers mean nothing."""
    folder = tmp_path_factory.mktemp("choice")
    return {
        cell.subject: tried(model_choice, cell, folder, model=READER if cell.subject == "small-model" else tiny_model)
        for cell in _cells()
    }


def test_the_best_choice_is_right_where_either_model_is(records: dict[str, Record]) -> None:
    right = {way: value("choice_right", record) for way, record in records.items()}
    assert right["best-choice"] >= max(right["small-model"], right["large-model"])
    assert all(right["best-choice"] >= each for each in right.values())


def test_each_way_asks_whom_it_says(records: dict[str, Record]) -> None:
    small = {way: value("choice_small", record) for way, record in records.items()}
    assert small["small-model"] == 1
    assert small["large-model"] == 0
    asked = _model_choice.questions(1000, 2, 0.5)
    assert small["by-rule"] == sum(is_simple(each.notes) for each in asked) / 2
    assert all(value("choice_time", record) > 0 for record in records.values())
    assert value("memory_at_ready", records["by-rule"]) > 0


def test_right_answers_are_drawn_over_their_time(records: dict[str, Record], tmp_path: Path) -> None:
    drawing = drawn(figure, records.values(), tmp_path)["strategies-model-choice"]
    assert drawing.title.startswith("A rule answers ")
    assert {row[1] for row in drawing.data[1:]} == set(model_choice.WAYS)
