"""Makes the committed reference run from a finished run: ``python -m experiments.report.reference RUN``.

The records are kept whole, compressed; the report, its tables and its figures are built again from them. Memory
traces' flame graphs stay behind: each is larger than all the rest.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from experiments import records, runs
from experiments.report.build import build


def publish(run_folder: Path, out: Path = Path("results/reference")) -> Path:
    """Replace ``out`` by the run in ``run_folder`` and return its report. Raises `RunFolderError` if it is no run."""
    runs.read_info(run_folder)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copyfile(run_folder / runs.INFO, out / runs.INFO)
    records.compress(run_folder / runs.TRIALS, out / runs.TRIALS)
    page = build(out)
    # The pages draw in SVG; the pictures beside them would double the folder.
    for picture in (out / "figures").glob("*.png"):
        picture.unlink()
    return page


if __name__ == "__main__":
    print(publish(Path(sys.argv[1])))
