"""A model that is large enough to be calibrated, on a machine that nobody else uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from systems.engines.calibration import measuring
from systems.engines.calibration.case import SMALLEST_BYTES, CalibrationCase


@pytest.fixture(scope="session")
def large_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model as a file of the least size that is calibrated: what follows the weights is a hole."""
    path = Path(shutil.copy(tiny_model, tmp_path_factory.mktemp("large") / "large.gguf"))
    os.truncate(path, SMALLEST_BYTES)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache of the test's own."""
    monkeypatch.setenv("FOURGIG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody else seem to use the CPUs, and the fewest rounds be enough."""
    monkeypatch.setattr(measuring, "waited_s", lambda: 0.0)
    monkeypatch.setattr(measuring, "_ANOTHER_PACE", float("inf"))
    monkeypatch.setattr(measuring, "_ENOUGH_S", 0.0)


@pytest.fixture
def case(large_model: Path) -> Callable[..., CalibrationCase]:
    def made(**settings: object) -> CalibrationCase:
        usual = {"model_path": str(large_model), "conversations": 4, "threads": 2}
        return CalibrationCase(**{**usual, **settings})  # type: ignore[arg-type]

    return made
