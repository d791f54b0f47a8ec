"""The notebooks as they are committed, and that they serve any run; `nox -s notebooks` runs all on the reference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.experiments.analysis import synthetic

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
RESULT = re.compile(r"\d[\d.,]*\s*(?:%|(?:[mµ]?s|[KMG]i?B|tokens|turns|times)\b)")
NO_RESULTS = ("95 %", "4 GB")  # the level of intervals, and what an agent is allowed
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_who_opens_a_notebook_alone_learns_what_it_asks_where_it_was_measured_and_what_it_leaves_open(
    path: Path,
) -> None:
    cells = read(path).cells
    assert "**The question.**" in cells[0].source
    assert "**What was measured" in cells[0].source
    assert any("provenance.note(" in cell.source for cell in cells if cell.cell_type == "code")
    assert any("does not say\n" in cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_words_of_a_notebook_hold_no_result(path: Path) -> None:
    words = " ".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert [found for found in RESULT.findall(" ".join(words.split())) if found not in NO_RESULTS] == []


def test_the_page_of_notebooks_lists_each_of_them() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notebooks.md").read_text()
    listed = re.findall(r"^\| \[(\w+\.ipynb)\]\(", page, re.MULTILINE)
    assert sorted(listed) == [path.name for path in NOTEBOOKS]


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
    assert sum("image/svg+xml" in output.get("data", {}) for output in outputs) == 3


@pytest.mark.long
def test_the_comparing_notebook_survives_a_run_in_which_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = executed(synthetic.write(tmp_path, []), monkeypatch)
    assert sum("image/svg+xml" in output.get("data", {}) for output in outputs) == 2
