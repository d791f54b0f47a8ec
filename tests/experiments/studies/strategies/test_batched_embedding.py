"""The part that reads texts alone and in batches: the vectors are the same, and the rates are drawn."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import GridRequest
from experiments.report.figures.strategies import batched_embedding as figure
from experiments.studies.strategies import batched_embedding
from systems.models import embeddings
from systems.models.published import PUBLISHED
from tests.experiments.studies.strategies.trials import drawn, ran, value


@pytest.fixture(scope="module")
def records(
    tmp_path_factory: pytest.TempPathFactory, embedding_model: Callable[[str], Path]
) -> dict[tuple[str, str], Record]:
    """One trial a way and encoder, of the preset smoke."""
    folder = tmp_path_factory.mktemp("embedding")
    (folder / "models").mkdir()
    request = GridRequest(preset="smoke", systems=(), engine=EngineSpec(name="simulated"))
    cells = batched_embedding.cells(request)
    with pytest.MonkeyPatch.context() as patch:
        for name in {str(cell.condition["encoder"]) for cell in cells}:
            found = embedding_model(name)
            patch.setenv("FOURGIG_CACHE", str(folder))
            shutil.copy(found, embeddings.converted(PUBLISHED[name]))
            patch.undo()
        patch.setenv("FOURGIG_CACHE", str(folder))
        work = tmp_path_factory.mktemp("trials")
        return {(str(cell.condition["encoder"]), cell.subject): ran(batched_embedding, cell, work) for cell in cells}


def test_a_batch_makes_the_vectors_that_the_texts_have_alone(records: dict[tuple[str, str], Record]) -> None:
    for record in records.values():
        assert value("embedding_alike", record) > 0.999
        assert record.part().values["embedded"] == record.spec.condition["count"]
        assert value("embedding_rate", record) > 0


def test_every_way_reads_the_same_texts_in_its_own_number_of_calls(records: dict[tuple[str, str], Record]) -> None:
    calls = {key: len(record.part().series["embedding_call_s"]) for key, record in records.items()}
    assert calls["minilm", "one-at-a-time"] == 32 * calls["minilm", "batch-32"]


def test_rates_and_memory_are_drawn(records: dict[tuple[str, str], Record], tmp_path: Path) -> None:
    found = drawn(figure, batched_embedding.REFERENCES, records.values(), tmp_path)
    drawing = found["strategies-batched-embedding"]
    assert drawing.title.startswith("In batches of 32, texts a second:")
    assert {row[1] for row in drawing.data[1:]} >= {"minilm, short", "wordllama, short"} or len(drawing.data) > 4
