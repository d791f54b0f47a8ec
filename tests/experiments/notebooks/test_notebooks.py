"""The notebooks as they are committed, and that they serve any run; `nox -s notebooks` runs all on the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.experiments.analysis import synthetic

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
PATH_TRICKS = ("sys.path", "chdir", "__file__", "os.path", "%cd", "..")


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_without_path_tricks(path: Path) -> None:
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    source = "\n".join(cell.source for cell in code).replace("...", "")
    assert [trick for trick in PATH_TRICKS if trick in source] == []
    assert "load_run(" in source


def executed(run: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run the comparing notebook on ``run`` and return the outputs of its code cells."""
    monkeypatch.setenv("FOURGIG_RUN", str(run))
    notebook = read(next(path for path in NOTEBOOKS if path.stem == "compare"))
    NotebookClient(notebook, timeout=120).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_comparing_notebook_serves_any_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [one for one in synthetic.everything(2) if one.spec.study == "load"]
    outputs = executed(synthetic.write(tmp_path, made, blocks=2), monkeypatch)
    printed = "".join(output.get("text", "") for output in outputs)
    assert "Indicative only" in printed
    assert "meaningless" in printed
    tables = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any("latency_p50" in table for table in tables)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3


def test_the_comparing_notebook_survives_a_run_in_which_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = executed(synthetic.write(tmp_path, []), monkeypatch)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
