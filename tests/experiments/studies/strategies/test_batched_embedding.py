"""The part that reads texts alone and in batches: the vectors are the same, and the rates are drawn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from experiments.measuring.records import EngineSpec, Record
from experiments.measuring.study import GridRequest
from experiments.report.figures.strategies import batched_embedding as figure
from experiments.studies.strategies import _batched_embedding, batched_embedding
from experiments.studies.strategies._batched_embedding_names import BATCHES, PASSAGES, SHORT
from systems.engines.interface import Embedded
from systems.models import embeddings
from systems.models.published import PUBLISHED
from tests.experiments.studies.strategies.in_process import drawn, tried, value

SMOKE = GridRequest(preset="smoke", systems=(), engine=EngineSpec(name="simulated"))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, embedding_model: Callable[[str], Path]) -> dict[str, Record]:
    """One trial a way, of the preset smoke."""
    found, folder = embedding_model("minilm"), tmp_path_factory.mktemp("embedding")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURGIG_CACHE", str(folder))
        place = embeddings.converted(PUBLISHED["minilm"])
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, place)
        work = tmp_path_factory.mktemp("trials")
        return {cell.subject: tried(batched_embedding, cell, work) for cell in batched_embedding.cells(SMOKE)}


@pytest.mark.long
def test_a_batch_makes_the_vectors_that_the_texts_have_alone(records: dict[str, Record]) -> None:
    for record in records.values():
        assert value("embedding_alike", record) > 0.999
        assert record.part().values["embedded"] == record.spec.condition["count"]
        assert value("embedding_rate", record) > 0


@pytest.mark.long
def test_every_way_reads_the_same_texts_in_its_own_number_of_calls(records: dict[str, Record]) -> None:
    calls = {way: len(record.part().series["embedding_call_s"]) for way, record in records.items()}
    assert calls["one-at-a-time"] == 32 * calls["batch-32"]


class Heard:
    """An encoder that remembers the texts of each call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def load(self) -> None:
        pass

    def embed(self, texts: Sequence[str]) -> Embedded:
        self.calls.append(list(texts))
        return Embedded(np.ones((len(texts), 1), dtype=np.float32), 0)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", [SHORT, PASSAGES])
def test_the_texts_that_count_are_the_same_in_every_way_and_none_was_read_before(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = set()
    for way, batch in BATCHES.items():
        heard = Heard()
        monkeypatch.setattr(_batched_embedding, "_engine", lambda *_, heard=heard: heard)
        monkeypatch.setattr(_batched_embedding, "check", lambda _: SimpleNamespace(path=tmp_path))
        [cell, *_] = batched_embedding.cells(SMOKE)
        condition = {**cell.condition, "texts": kind, "count": 128}
        tried(batched_embedding, msgspec.structs.replace(cell, subject=way, condition=condition), tmp_path)
        warming, *calls = heard.calls[: 1 + 128 // batch]
        texts = [text for call in calls for text in call]
        assert len(warming) == batch
        assert not set(warming) & set(texts)
        measured.add(tuple(texts))
    assert [len(texts) for texts in measured] == [128]


@pytest.mark.long
def test_rates_and_memory_are_drawn(records: dict[str, Record], tmp_path: Path) -> None:
    drawing = drawn(figure, records.values(), tmp_path)["strategies-batched-embedding"]
    assert drawing.title.startswith("In batches of 32, texts a second:")
    assert {row[0] for row in drawing.data[1:]} == {"minilm, short"}
