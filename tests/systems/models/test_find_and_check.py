from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from systems.errors import BadInput, ModelError, UnknownName
from systems.models import check as checking
from systems.models.cache import cache_folder
from systems.models.check import check
from systems.models.find import default_path, ensure, look, resolve
from tests.systems.engines.embedding.small import encoder


def test_a_made_model_says_what_it_is(tiny_model: Path) -> None:
    found = check(tiny_model)

    assert found.random_weights
    assert found.context_length == 2048
    assert "random weights" in found.name
    assert found.size_bytes == tiny_model.stat().st_size
    assert found.sha256 == hashlib.sha256(tiny_model.read_bytes()).hexdigest()


def test_a_file_is_read_whole_only_once(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = check(tiny_model)
    monkeypatch.setattr(checking, "_digest", lambda _: pytest.fail("read again"))

    assert check(tiny_model) == first


def test_a_file_that_changed_is_read_again(tiny_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(tiny_model.read_bytes())
    before = check(copy)
    content = bytearray(tiny_model.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    os.utime(copy, (1, 1))

    assert check(copy).sha256 != before.sha256


def test_a_damaged_note_is_ignored(tiny_model: Path) -> None:
    first = check(tiny_model)
    for note in (cache_folder() / "checked").iterdir():
        note.write_bytes(b"{")

    assert check(tiny_model) == first


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.999])
def test_a_truncated_file_is_refused(kept: float, tiny_model: Path, tmp_path: Path) -> None:
    whole = tiny_model.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(ModelError, match="truncated or damaged"):
        check(cut)


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model at all", b"\0" * 4096])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(content)

    with pytest.raises(ModelError, match="not a GGUF"):
        check(other)


def test_garbage_after_the_magic_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.gguf"
    garbage.write_bytes(b"GGUF" + bytes(range(256)) * 16)

    with pytest.raises(ModelError, match="truncated or damaged"):
        check(garbage)


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model file"):
        check(tmp_path / "absent.gguf")
    with pytest.raises(ModelError, match="is a directory"):
        check(tmp_path)


def test_a_shape_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path))
    made = ensure("tiny", "q4_0", 3)
    monkeypatch.setattr("systems.models.make.make", lambda *_: pytest.fail("made again"))

    assert made == default_path("tiny", "q4_0", 3) == tmp_path / "models" / "tiny-q4_0-seed3-recipe1.gguf"
    assert resolve("tiny:q4_0:3").path == ensure("tiny", "q4_0", 3) == made


def test_the_cache_follows_the_xdg_convention(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FOURGIG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_folder() == tmp_path / "fourgig"


def test_any_gguf_file_can_be_named_by_its_path(tiny_model: Path) -> None:
    assert resolve(str(tiny_model)).path == tiny_model


@pytest.mark.parametrize("name", ["tiny:", "tiny:q8_0:0:0", "tiny:q8_0:-1", "tiny:q8_0:x"])
def test_a_malformed_model_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        resolve(name)


def test_a_misspelt_shape_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="135m"):
        resolve("135")


def test_a_glance_refuses_what_cannot_be_a_model_and_makes_none(tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("just words")
    for model, error, says in (
        (str(text), ModelError, "not a GGUF"),
        (str(tmp_path / "no.gguf"), ModelError, "no model file"),
        ("153m", UnknownName, "135m"),
        ("tiny:q9", UnknownName, "q8_0"),
        ("tiny:q8_0:one", BadInput, "seed"),
    ):
        with pytest.raises(error, match=says):
            look(model)
    look("tiny:f16:71")
    assert not default_path("tiny", "f16", 71).exists()


def test_a_file_that_only_makes_embeddings_answers_nothing(tmp_path: Path) -> None:
    path = encoder(tmp_path / "small.gguf")
    assert not check(path).causal
    assert not check(path).causal, "also from the note"
    with pytest.raises(BadInput, match="makes embeddings and answers nothing"):
        resolve(str(path))
