"""Makes the paper from one run: what its text asks for into ``data.json``, its figures beside it, and ``paper.pdf``."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from experiments.analysis.run import Run, load_run
from experiments.measuring.runs import write_whole
from experiments.report import decisions, drawing, figures, processors
from experiments.report.build import write_figures
from experiments.report.drawing import Drawn
from experiments.report.paper import declared, source, tables
from experiments.report.paper.declared import Declared
from experiments.report.paper.numbers import NoRecord, Numbers, PartNotMeasured
from experiments.report.paper.tables import Table
from experiments.report.scene import scene
from systems.errors import BadInput

SOURCE = Path(__file__).resolve().parents[3] / "paper"
"""The folder with the text: ``paper.typ``, its layout and the declarations of its numbers."""

Given = TypeVar("Given")

_MAP = "map"
"""The name of the map of design decisions, which is of all studies."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One figure as the text shows it; ``path`` is empty until it is written, and where only its title is shown."""

    title: str
    alt: str
    path: str = ""


class Data(msgspec.Struct, kw_only=True):
    """The numbers, words, tables and figures of one run, by the names that the text asks for.

    None stands for those of a part that the run does not have. ``parts`` holds a sentence for each such part, and an
    empty one for each part that the run has. ``rows`` has a row a comparison, ``claims`` the ledger by study, and
    ``titles`` what all figures of a study say.
    """

    numbers: dict[str, str | None] = {}
    conclusions: dict[str, str | None] = {}
    verdicts: dict[str, list[str] | None] = {}
    parts: dict[str, str | None] = {}
    figures: dict[str, Picture | None] = {}
    tables: dict[str, Table | None] = {}
    rows: dict[str, list[str] | None] = {}
    claims: dict[str, Table | None] = {}
    titles: dict[str, list[str]] = {}


def build(run_folder: Path | str | None = None, out: Path = SOURCE / "build", text: Path = SOURCE) -> Path:
    """Write the paper of a run (None: the reference run) into ``out`` and return the PDF.

    ``text`` is the folder with its source. Raises `BadInput` where the text names what the run has no record for, has a
    number typed by hand or cannot be set, and `RunFolderError` if the folder is no run.
    """
    run = load_run(run_folder)
    data, drawn = collected(run, text)
    paths = {path.stem: path for path in write_figures(list(drawn.values()), out / "figures")}
    for name, one in drawn.items():
        data.figures[name] = _picture(one, str(paths[one.name].resolve()))
    written = (out / "data.json").resolve()
    write_whole(written, msgspec.json.format(msgspec.json.encode(data), indent=2))
    page = out / "paper.pdf"
    write_whole(page, compiled(text / "paper.typ", written, run.created))
    return page


def collected(run: Run, text: Path = SOURCE) -> tuple[Data, dict[str, Drawn]]:
    """Return everything that the text asks of ``run``, and the figures to be shown, by the names they are asked for.

    Raises `BadInput` that names every number without a record; where all have one, every figure without.
    """
    words = (text / "paper.typ").read_text(encoding="utf-8")
    known = declared.load(text / "numbers.toml")
    source.refuse_typed(words, known.typed)
    asked, numbers = source.wanted(words), Numbers(run, known)
    missing: dict[str, None] = {}

    def each(functions: Sequence[str], find: Callable[[str], Given]) -> dict[str, Given | None]:
        given: dict[str, Given | None] = {}
        for name in (name for function in functions for name in asked.get(function, ())):
            try:
                given[name] = find(name)
            except PartNotMeasured:
                given[name] = None
            except NoRecord as error:
                missing[str(error)] = None
        return given

    def refuse() -> None:
        if missing:
            raise BadInput("The paper cannot be made from this run:\n" + "\n".join(f"- {why}" for why in missing))

    data = Data(
        numbers=each(("n",), numbers.__getitem__),
        conclusions=each(("by",), numbers.conclusion),
        verdicts=each(("judged",), lambda claim: sorted(numbers.verdicts(claim))),
        parts=each(("when",), lambda part: "" if numbers.has(part) else _not_measured(known, part)),
        tables=each(("table-of",), lambda name: tables.table(name, numbers)),
        rows=each(("row",), lambda name: tables.row(name, numbers)),
        claims=each(("claims-of",), lambda study: tables.claims_of(study, numbers)),
    )
    refuse()
    # Drawn last: it takes longest.
    told = asked.get("titles-of", [])
    shown = [name for function in ("fig", "saying") for name in asked.get(function, ())]
    drawn = _drawn(run, _studies(run, [*shown, *(f"{study}-" for study in told)]))
    data.titles = {study: [one.title for one in drawn if one.name.startswith(f"{study}-")] for study in told}
    found = each(("fig", "saying"), partial(_find, drawn, numbers, known))
    refuse()
    data.figures = {name: None if one is None else _picture(one) for name, one in found.items()}
    return data, {name: one for name in asked.get("fig", ()) if (one := found[name]) is not None}


def _picture(drawn: Drawn, path: str = "") -> Picture:
    return Picture(title=drawn.title, alt=drawn.alt, path=path)


def _not_measured(known: Declared, part: str) -> str:
    title = known.parts[part].title
    return f"{title[:1].upper()}{title[1:]} was not measured in this run."


def _studies(run: Run, names: Iterable[str]) -> list[str]:
    """Return the studies of the run that figures of these names are of, and the map's where it is named."""
    wanted = list(names)
    found = [study for study in run.studies if any(name.startswith(f"{study}-") for name in wanted)]
    return [*found, _MAP] if _MAP in wanted else found


def _drawn(run: Run, studies: Iterable[str]) -> list[Drawn]:
    """Return every figure of these studies, of each run that has one, beside each other on the machine's processors."""
    wanted, jobs = list(studies), list[Callable[[], list[Drawn]]]()
    for part in run.split():
        jobs += [partial(_figures, part, study) for study in part.studies if study in wanted]
    if _MAP in wanted:
        jobs.append(partial(_map, run))
    return [one for several in processors.shared(jobs) for one in several]


def _figures(run: Run, study: str) -> list[Drawn]:
    from experiments.measuring.study import studies

    return figures.draw(scene(run, study, studies.get(study)), titled=False)


def _map(run: Run) -> list[Drawn]:
    with drawing.style(titled=False):
        return figures.decision_map.draw(decisions.answered(run))


def _find(drawn: Sequence[Drawn], numbers: Numbers, known: Declared, name: str) -> Drawn:
    """Return the figure of this name, or the first whose name begins so. Raises `NoRecord` or `PartNotMeasured`."""
    found = [one for one in drawn if f"{one.name}-".startswith(f"{name}-")]
    if found:
        return found[0]
    part = next((part for part, one in known.parts.items() if name in one.figures), None)
    if part is not None and not numbers.has(part):
        raise PartNotMeasured(name)
    raise NoRecord(f"The figure {name} has nothing to show: the run holds no trial of it")


def compiled(page: Path, data: Path, created: str) -> bytes:
    """Return the PDF of ``page`` with ``data``, dated ``created``. Raises `BadInput` where it cannot be set."""
    try:
        import typst
    except ImportError as error:
        raise BadInput("The paper is set by Typst: pip install 'fourgig[paper]'.") from error
    try:
        # Typst reads nothing above its root, and the figures may lie anywhere; system fonts differ between machines.
        made: bytes = typst.compile(
            str(page.resolve()),
            root="/",
            ignore_system_fonts=True,
            sys_inputs={"data": str(data)},
            timestamp=calendar.timegm(datetime.fromisoformat(created).utctimetuple()),
        )
    except typst.TypstError as error:
        raise BadInput(f"The paper cannot be set: {error}") from error
    return made
