"""Files and folders among the sources, in every pattern."""

from __future__ import annotations

import asyncio
from pathlib import Path

from systems.research.fetching import make_fetcher
from systems.research.sources.documents import Document, SourceRefusal
from tests.systems.research.fetching.hostile import Hostile


def test_folders_files_and_pages_come_in_the_order_asked(pattern: str, site: Hostile, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# The second\n\nTwo.")
    (tmp_path / "a.txt").write_text("One.")
    (tmp_path / "odd name?.html").write_text("<title>The third</title>Three.")
    fetcher = make_fetcher(pattern, private_hosts=frozenset({"127.0.0.1"}))
    address = (tmp_path / "odd name?.html").as_uri()
    found = asyncio.run(fetcher.fetch([str(tmp_path), site.url + "/good", address, str(tmp_path / "none")]))
    assert found[:3] == [
        Document(str(tmp_path / "a.txt"), "a", "One."),
        Document(str(tmp_path / "b.md"), "The second", "# The second\n\nTwo."),
        Document(str(tmp_path / "odd name?.html"), "The third", "Three."),
    ]
    assert found[3] == Document(site.url + "/good", "A page", "All is well here.")
    assert found[4] == Document(address, "The third", "Three.")
    assert found[5] == SourceRefusal(str(tmp_path / "none"), "it cannot be read (No such file or directory)")


def test_a_folder_is_read_no_longer_than_its_deadline(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.")
    found = asyncio.run(make_fetcher(pattern, deadline_s=0.0).fetch([str(tmp_path)]))
    assert found == [SourceRefusal(str(tmp_path), "its deadline passed: the rest is not read")]


def test_without_sources_there_is_nothing(pattern: str) -> None:
    assert asyncio.run(make_fetcher(pattern).fetch([])) == []
