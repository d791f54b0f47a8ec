"""What tests of models use: an index of packages that is a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.systems.models import packages


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all pip knows of, with a cache that is empty."""
    folder = tmp_path / "index"
    folder.mkdir()
    packages.only(folder, monkeypatch)
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path / "cache"))
    return folder
