"""The paper's figures, drawn again from a run."""

from __future__ import annotations

import sys
from pathlib import Path

from experiments.analysis.frames import load_run
from experiments.report.build import read, write_figures


def regenerate(run_folder: Path | str | None, out: Path = Path("paper/figures")) -> list[Path]:
    """Write every figure of a run (None: the reference run) into ``out`` and return the paths written."""
    return write_figures(read(load_run(run_folder)).figures(), out)


if __name__ == "__main__":
    for path in regenerate(sys.argv[1] if len(sys.argv) > 1 else None):
        print(path)
