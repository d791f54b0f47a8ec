"""Evicting files from the page cache, and seeing that they are gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiments.measuring.limits import page_cache
from experiments.measuring.limits.page_cache import evict, resident_bytes
from systems.errors import BadInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.write_bytes(os.urandom(5 * 2**20 + 123))
    return path


def test_a_file_just_written_is_resident_whole(file: Path) -> None:
    assert resident_bytes(file) == file.stat().st_size


def test_eviction_empties_it_and_reading_brings_it_back(file: Path) -> None:
    if evict([file]):
        pytest.skip("the temporary folder is in memory, so a file in it cannot be evicted")
    assert resident_bytes(file) == 0
    content = file.read_bytes()
    assert resident_bytes(file) == len(content)


def test_an_empty_file_has_nothing_to_evict(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert evict([tmp_path / "empty"]) == 0


def test_a_file_in_memory_is_reported_as_staying() -> None:
    descriptor = os.memfd_create("staying")
    try:
        os.write(descriptor, b"x" * 8192)
        assert evict([f"/proc/self/fd/{descriptor}"]) == 8192
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_what_is_not_a_file_gets_one_clear_sentence(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match=what):
        evict([tmp_path / what])


def test_a_file_whose_pages_the_kernel_hides_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(BadInput, match="owner"):
        resident_bytes(file)


def test_what_a_described_package_reads_is_among_the_shared_files(tmp_path, monkeypatch):
    package = tmp_path / "read_at_start"
    (package / "lists").mkdir(parents=True)
    for name in ("__init__.py", "native.so", "lists/words.txt"):
        (package / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    usual, more = page_cache.shared_files(), page_cache.shared_files(["read_at_start", "jieba"])
    assert set(more) - set(usual) == {package / "native.so", package / "lists" / "words.txt"}
    assert len(more) == len(usual) + 2  # a package that is named twice is read once
