"""Makes the committed reference run from a finished run: ``python -m experiments.report.reference RUN``.

Everything that an analysis reads is kept to the last digit: measures, verdicts, figures and tables of the thinned run
are those of the whole. Left out are moments of memory (a trial keeps a hundred, the highest of each stretch), flame
graphs, each of which is larger than all the rest, and what one call or command gives to any reader: tables by trial,
and figures beside the pages that hold them, but for those that the README and its pages show.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from experiments.analysis.run import load_run
from experiments.measuring import records, runs
from experiments.measuring.records import GroupSample, Record
from experiments.report.build import build

MOMENTS = 100
SHOWN = ("answers.svg", "memory-quality.svg")


def publish(run_folder: Path, out: Path = Path("results/reference")) -> Path:
    """Replace ``out`` by the run in ``run_folder``, thinned, and return its report.

    ``run_folder`` may be ``out`` itself. Raises `RunFolderError` if it is no run, `UnfinishedRun` if it is unfinished.
    """
    run = load_run(run_folder)
    info, kept = (run_folder / runs.INFO).read_bytes(), records.read(run_folder / runs.TRIALS)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / runs.INFO).write_bytes(info)
    records.write_compressed(out / runs.TRIALS, map(thin, kept))
    page = build(out)
    for figure in (out / "figures").iterdir():
        if figure.name not in SHOWN:
            figure.unlink()
    for table in ("trials.csv", *(f"{name}-by-trial.csv" for name in run.trials["study"].unique())):
        (out / "tables" / table).unlink()
    return page


def thin(record: Record) -> Record:
    """Return ``record`` with no more than `MOMENTS` moments of its group's memory."""
    timeline = _thinned(record.outside.timeline)
    return msgspec.structs.replace(record, outside=msgspec.structs.replace(record.outside, timeline=timeline))


def _thinned(samples: Sequence[GroupSample]) -> list[GroupSample]:
    """Return the first, the last, and of each stretch between them the highest."""
    if len(samples) <= MOMENTS:
        return list(samples)
    inner = samples[1:-1]
    edges = [len(inner) * place // (MOMENTS - 2) for place in range(MOMENTS - 1)]
    stretches = (inner[start:end] for start, end in pairwise(edges))
    return [samples[0], *(max(each, key=lambda one: one.current_bytes or 0) for each in stretches), samples[-1]]


if __name__ == "__main__":
    print(publish(Path(sys.argv[1])))
