"""Makes the committed reference from finished runs, a part a study: ``python -m experiments.report.reference RUN``.

Each study of RUN replaces the part of its name, ``results/reference/STUDY``; with ``--as NAME`` it stands beside
that, in ``STUDY-NAME``. Then the pages are made anew from all parts; that alone where RUN is ``results/reference``.

Everything that an analysis reads is kept to the last digit: measures, verdicts, figures and tables of the thinned run
are those of the whole. Left out are moments of memory (a trial keeps a hundred, the highest of each stretch), flame
graphs, each of which is larger than all the rest, and what one call or command gives to any reader: tables by trial,
and figures beside the pages that hold them, but for those that the README and its pages show.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from experiments.analysis.parts import RunPart, read_parts
from experiments.errors import RunFolderError
from experiments.measuring import records, runs
from experiments.measuring.records import GroupSample, Record
from experiments.report.build import build
from experiments.report.text import slug
from systems.errors import BadInput, FourgigError

REFERENCE = Path("results/reference")
MOMENTS = 100
# Of a second run of a study the figures are named by that run, too.
SHOWN = re.compile(
    r"(answers|map|frameworks-cost|load-engines-10-\w+|memory-(quality|own-words|evidence-kinds-\d+)(-\d{8}-.+)?)\.svg"
)
_PAGES = ("report.html", "claims.html", "tables", "figures")


class PublishedPart(msgspec.Struct, frozen=True, kw_only=True):
    """One study of a finished run, as it is committed: what ``run.json`` is to say, and every record."""

    run: str
    info: bytes
    records: list[Record]


def publish(run_folder: Path, out: Path = REFERENCE, name: str | None = None) -> Path:
    """Put each study of the run in ``run_folder``, thinned, into ``out``, make its pages anew, return the report.

    Where both are the same folder only the pages are made. Raises `RunFolderError` if there is no run, or one that is
    published under another name, `UnfinishedRun` if it is unfinished, and `BadInput` for a ``name`` that is none.
    """
    if run_folder.resolve() != out.resolve():
        if (out / runs.INFO).exists():
            raise RunFolderError(f"{out} is a run itself: parts are put into a folder of runs.")
        if name is not None and slug(name) != name:
            raise BadInput(f"{name!r} is no name of a part: it takes small letters, digits and hyphens.")
        ending = "" if name is None else f"-{name}"
        parts = {f"{slug(study)}{ending}": part for study, part in _parts(run_folder).items()}
        _refuse_published(parts, out)
        for folder, part in parts.items():
            _write(part, out / folder)
    return _pages(out)


def _parts(run_folder: Path) -> dict[str, PublishedPart]:
    """Return each study of a run, or of a folder of runs, by its name."""
    parts: dict[str, PublishedPart] = {}
    for run in read_parts(run_folder, unfinished=False):
        whole = records.read(run.folder / runs.TRIALS)
        for study in run.studies:
            if study in parts:
                raise RunFolderError(
                    f"{run_folder} holds the study {study} twice: publish one, and the other --as NAME."
                )
            mine = [record for record in whole if record.spec.study == study]
            parts[study] = PublishedPart(**_described(run, study, mine), records=mine)
    return parts


def _described(run: RunPart, study: str, mine: Sequence[Record]) -> dict[str, Any]:
    """Return the id of one study's part of a run, and its ``run.json``: that of the run, but for what the study is."""
    name = run.run if run.studies == (study,) else f"{run.run}-{study}"
    info = msgspec.json.decode((run.folder / runs.INFO).read_bytes())
    planned = len({record.key for record in mine})
    skipped = [each for each in info.get("skipped", ()) if each["study"] == study]
    info |= {"run_id": name, "studies": [study], "planned": planned} | (
        {"skipped": skipped} if "skipped" in info else {}
    )
    return {"run": name, "info": msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n"}


def _refuse_published(parts: dict[str, PublishedPart], out: Path) -> None:
    """Raise `RunFolderError` where a part is there under another name: its trials would stand there twice."""
    there = {runs.read_info(folder).run_id: folder.name for folder in runs.folders(out)}
    for folder, part in parts.items():
        if there.get(part.run, folder) != folder:
            raise RunFolderError(f"{part.run} is published already, as {there[part.run]}: remove that first.")


def _write(part: PublishedPart, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runs.write_whole(folder / runs.INFO, part.info)
    records.write_compressed(folder / runs.TRIALS, map(thin, part.records))


def _pages(out: Path) -> Path:
    """Make every page of ``out`` anew from all its parts, and keep of them what is committed."""
    for name in _PAGES:
        old = out / name
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    page = build(out)
    left_out = [figure for figure in out.glob("figures/*") if not SHOWN.fullmatch(figure.name)]
    for path in [*left_out, *out.glob("tables/trials.csv"), *out.glob("tables/*-by-trial.csv")]:
        path.unlink()
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


def main() -> None:
    """Publish the run that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m experiments.report.reference", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished run's folder, or results/reference itself")
    parser.add_argument("--as", dest="name", metavar="NAME", help="stand beside the part of the study, as STUDY-NAME")
    asked = parser.parse_args()
    try:
        print(publish(asked.run, name=asked.name))
    except FourgigError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
