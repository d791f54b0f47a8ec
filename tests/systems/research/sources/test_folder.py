"""A folder is read within its bounds, and nothing outside of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from systems.research.sources.documents import Document, Found, SourceRefusal
from systems.research.sources.folder import MOST_DEPTH, read_place


def read(place: Path, **bounds: Any) -> list[Found]:
    given: dict[str, Any] = {
        "most_bytes": 1_000, "most_files": 50, "most_folder_bytes": 20_000, "late": lambda: False
    }  # fmt: skip
    return list(read_place(place, str(place), **given | bounds))


def refusals(found: list[Found]) -> dict[str, str]:
    return {Path(each.source).name: each.reason for each in found if isinstance(each, SourceRefusal)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def test_what_is_neither_hidden_nor_of_another_kind_is_read(folder: Path) -> None:
    for name in ("b/c/deep.MD", "a.htm", "z.txt", ".git/config.txt", ".hidden.txt", "picture.png", "data.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("words")
    found = read(folder)
    assert [Path(each.source).relative_to(folder).as_posix() for each in found] == ["a.htm", "b/c/deep.MD", "z.txt"]
    assert all(isinstance(each, Document) and each.text == "words" for each in found)


def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "file.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inside.md").symlink_to(folder / "own.txt")
    (folder / "round.txt").symlink_to(folder / "round.txt")
    (folder / "own.txt").write_text("own")
    found = read(folder)
    assert [each.text for each in found if isinstance(each, Document)] == ["own"]
    assert set(refusals(found)) == {"file.txt", "up", "inside.md", "round.txt"}
    assert all("a link" in reason for reason in refusals(found).values())


def test_a_folder_or_a_file_that_is_named_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "own.txt").write_text("own")
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "link.txt").symlink_to(folder / "own.txt")
    for place in (tmp_path / "link", tmp_path / "link.txt"):
        [found] = read(place)
        assert isinstance(found, Document)
        assert found.text == "own"


def test_what_cannot_be_read_is_refused_with_the_reason(folder: Path) -> None:
    (folder / "binary.txt").write_bytes(bytes(range(32)) * 9)
    (folder / "pdf.md").write_bytes(b"%PDF-1.7 ...")
    (folder / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (folder / "long.txt").write_text("x" * 1_001)
    (folder / "empty.txt").write_text(" \n")
    os.mkfifo(folder / "pipe.txt")
    (folder / "folder.txt").mkdir()
    (folder / "good.txt").write_text("good")
    found = read(folder)
    assert refusals(found) == {
        "binary.txt": "it says it is text and is binary",
        "pdf.md": "it says it is text and is a PDF",
        "latin.txt": "it names no charset, and is not UTF-8",
        "long.txt": "it holds more than 1,000 bytes",
        "empty.txt": "it holds no text",
        "pipe.txt": "it is no regular file",
    }
    assert [each.text for each in found if isinstance(each, Document)] == ["good"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_refused(folder: Path) -> None:
    (folder / "mine.txt").write_text("mine")
    (folder / "mine.txt").chmod(0)
    assert refusals(read(folder)) == {"mine.txt": "it cannot be read (Permission denied)"}


def test_a_name_that_is_no_text_is_shown_as_it_can_be(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("odd")
    [found] = read(folder)
    assert isinstance(found, Document)
    assert found.source.encode()
    assert found.title == "\ufffd"


def test_files_and_bytes_are_bounded(folder: Path) -> None:
    for number in range(9):
        (folder / f"{number}.txt").write_text("x" * 900)
    found = read(folder, most_files=3)
    assert [type(each) for each in found] == [Document] * 3 + [SourceRefusal]
    assert refusals(found) == {"notes": "it holds more than 3 files: the rest is not read"}
    found = read(folder, most_folder_bytes=2_000)
    assert sum(isinstance(each, Document) for each in found) == 3
    assert refusals(found) == {"notes": "it holds more than 2,000 bytes: the rest is not read"}
    seconds = iter((False, True))
    found = read(folder, late=lambda: next(seconds))
    assert refusals(found) == {"notes": "its deadline passed: the rest is not read"}


def test_so_many_files_as_may_be_are_no_more(folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.txt").write_text("x")
    assert refusals(read(folder, most_files=3)) == {}


def test_a_deadline_ends_a_folder_of_nothing_that_is_read(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number:02}" / "within").mkdir(parents=True)
        (folder / f"{number:02}" / "picture.png").write_text("words")
    looks = 0

    def late() -> bool:
        nonlocal looks
        looks += 1
        return looks > 10

    [refusal] = read(folder, late=late)
    assert isinstance(refusal, SourceRefusal)
    assert refusal.reason.startswith("its deadline passed")
    assert looks == 11


def test_links_count_as_files_that_were_looked_at(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number:02}.md").symlink_to(folder / "nothing.md")
    found = read(folder, most_files=5)
    assert len(found) == 6
    assert "more than 5 files" in refusals(found)[folder.name]


def test_depth_is_bounded(folder: Path) -> None:
    deep = folder.joinpath(*["d"] * (MOST_DEPTH + 2))
    deep.mkdir(parents=True)
    (deep / "a.txt").write_text("deep")
    found = read(folder)
    assert refusals(found)["d"] == f"it lies deeper than {MOST_DEPTH} folders"


@pytest.mark.parametrize("name", ["nothing", "a.pdf"])
def test_what_is_not_there_or_of_no_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pdf").write_text("x")
    assert list(refusals(read(tmp_path / name))) == [name]


def test_a_folder_without_any_such_file_is_refused(folder: Path) -> None:
    assert "it holds no file of these kinds" in refusals(read(folder))["notes"]
