from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.experiments.analysis import synthetic

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "compare.ipynb"


def executed(run: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run the notebook on ``run`` and return the outputs of its code cells."""
    monkeypatch.setenv("FOURGIG_RUN", str(run))
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_notebook_is_committed_without_outputs() -> None:
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_the_notebook_compares_the_systems_of_any_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [one for one in synthetic.everything(2) if one.spec.study == "load"]
    outputs = executed(synthetic.write(tmp_path, made, blocks=2), monkeypatch)
    printed = "".join(output.get("text", "") for output in outputs)
    assert "Indicative only" in printed
    assert "meaningless" in printed
    tables = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any("latency_p50" in table for table in tables)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2


def test_the_notebook_survives_a_run_in_which_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = executed(synthetic.write(tmp_path, []), monkeypatch)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
