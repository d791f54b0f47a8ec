"""The report of a run, from its records alone: one self-contained page, with its tables and figures beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import msgspec

from experiments.analysis import claims, verdicts
from experiments.analysis.installed import installed
from experiments.analysis.run import Run, load_run
from experiments.analysis.verdicts import ClaimVerdict
from experiments.errors import StorageError
from experiments.measuring.runs import write_whole
from experiments.report import (
    advice,
    concerns,
    decisions,
    drawing,
    effects,
    figures,
    ledger,
    letters,
    opening,
    processors,
    provenance,
    quality,
    sections,
    tables,
    text,
)
from experiments.report.advice import Advice
from experiments.report.concerns import ConcernTable
from experiments.report.decisions import DecisionMap
from experiments.report.drawing import Drawn
from experiments.report.key_comparisons import MeasuredComparison
from experiments.report.ledger import Entry
from experiments.report.opening import FirstScreen
from experiments.report.quality import Quality
from experiments.report.scene import ReportedStudy, UnknownStudy
from experiments.report.sections import Section

_MANY = 1_000  # trials, from which on it takes longer to draw them than to share the work


def build(run_folder: Path | str, studies: Mapping[str, ReportedStudy] | None = None) -> Path:
    """Write ``report.html``, ``claims.html``, ``tables/`` and ``figures/`` into the run folder; return the first.

    ``studies`` says what each study asks; None: the installed ones. Raises `RunFolderError` if the folder is no
    run, `StorageError` if it cannot be written to.
    """
    run = load_run(run_folder, unfinished=True)
    contents = read(run, studies)
    write_figures(contents.figures(), run.folder / "figures")
    trials = run.trials.drop(columns="factors").assign(labels=run.trials["labels"].map("; ".join))
    beside = {
        "trials": tables.csv(trials),
        "claims": tables.csv(verdicts.table(contents.verdicts)),
        "agents": tables.csv(concerns.frame(contents.concerns)),
    }
    for part in contents.sections:
        beside |= {f"{part.anchor}-{name}": table for name, table in part.files.items()}
    for name, table in beside.items():
        write_whole(_folder(run.folder / "tables") / f"{name}.csv", table)
    common = {
        "named": provenance.named(run),
        "sources": provenance.provenances(run),
        "banners": sections.banners(run),
        "documents": claims.sources(),
    }
    _write_page(run.folder / "claims.html", **common, entries=contents.entries)
    page = run.folder / "report.html"
    about = {
        "opening": contents.opening,
        "advice": contents.advice,
        "agents": contents.concerns,
        "answers": contents.answers,
        "map_figures": contents.map_figures,
        "overview": contents.overview,
        "anchors": contents.anchors,
        "claims_summary": opening.claims_summary(contents.verdicts),
        "quality": contents.quality,
        "machine": sections.machine(run),
        "facts_of_runs": provenance.facts(run),
    }
    _write_page(page, **common, **about, sections=contents.sections)
    return page


class ReportContents(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report shows, before it is written.

    ``anchors`` has where on the page the section on each run's study begins.
    """

    opening: FirstScreen
    answers: DecisionMap
    advice: list[Advice]
    concerns: ConcernTable
    map_figures: list[Drawn]
    overview: list[Drawn]
    quality: Quality
    sections: list[Section]
    anchors: dict[tuple[str, str], str]
    verdicts: list[ClaimVerdict]
    entries: list[Entry]

    def figures(self) -> list[Drawn]:
        """Return every figure, in the order in which the pages show them."""
        drawn = [*self.map_figures, *self.overview, *self.quality.figures]
        drawn += [figure for part in self.sections for figure in part.figures]
        return drawn + [figure for entry in self.entries for figure in entry.figures]


def read(run: Run, studies: Mapping[str, ReportedStudy] | None = None) -> ReportContents:
    """Return the contents of the report of ``run``; ``studies`` as `build` takes them.

    Of a run with many trials the sections, and what is said of each study's claims, are made beside each other: most
    of the time goes into figures.
    """
    judged, (rows, answers) = ledger.judge(run), decisions.judged(run)
    places, parts = _places(run), {part.parts[0].run: part for part in run.split()}
    primary = {study: _described(study, studies).primary for _, study in places}
    # The longest first, so that none is waited for when all the others are done.
    longest = sorted(places, key=lambda place: len(parts[place[0]].trials), reverse=True)
    told = [partial(sections.section, run, parts[name], study, _described(study, studies)) for name, study in longest]
    by_study = sorted(ledger.by_study(judged).values(), key=len, reverse=True)
    judging = [partial(ledger.entries, mine, run) for mine in by_study]
    jobs: list[Callable[[], Any]] = [partial(quality.quality, run, primary), partial(_heads, rows, answers)]
    jobs += [*told, *judging]
    graded, (drawn, mapped), *made = processors.shared(jobs) if len(run.trials) >= _MANY else [job() for job in jobs]
    asked = dict(zip(longest, made[: len(told)], strict=True))
    entries = {entry.claim.id: entry for mine in made[len(told) :] for entry in mine}
    return ReportContents(
        opening=opening.opening(rows, run.trials["study"].unique().tolist()),
        answers=answers,
        advice=advice.advice(answers),
        concerns=concerns.answered(run),
        map_figures=mapped,
        overview=drawn,
        quality=graded,
        sections=[asked[place] for place in places],
        anchors={place: asked[place].anchor for place in places},
        verdicts=judged,
        entries=[entries[claim.id] for claim, _ in ledger.by_claim(judged)],
    )


def _heads(rows: Sequence[MeasuredComparison], answers: DecisionMap) -> tuple[list[Drawn], list[Drawn]]:
    """Return the figures at the head of a report: its conclusions, and its map."""
    with drawing.style():
        return figures.conclusions.draw(rows), figures.decision_map.draw(answers)


def _places(run: Run) -> list[tuple[str, str]]:
    """Return every run with each of its studies."""
    return [(part.run, study) for part in run.parts for study in part.studies]


def write_figures(drawn: list[Drawn], folder: Path) -> list[Path]:
    """Write figures into ``folder`` and return their paths."""
    paths = []
    for figure in drawn:
        path = _folder(folder) / f"{figure.name}.svg"
        write_whole(path, figure.svg)
        paths.append(path)
    return paths


def _described(name: str, studies: Mapping[str, ReportedStudy] | None) -> ReportedStudy:
    if studies is not None:
        return studies.get(name, UnknownStudy())
    here, missing = installed([name])
    return here[name] if name in here else UnknownStudy(question=missing[name])


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot make the folder {path}: {error.strerror}.") from error
    return path


@cache
def templates() -> jinja2.Environment:
    """Return the templates of the pages; each is compiled once a process."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Figures are our own drawing: text from records is in them as outlines, never as markup.
    environment.filters["inline"] = lambda figure: markupsafe.Markup(figure.inline())  # noqa: S704
    environment.filters["slug"] = text.slug
    environment.filters["plain"] = text.plain
    environment.filters["quantity"] = text.quantity
    environment.globals["signs"] = effects.SIGNS
    return environment


def _write_page(path: Path, **shown: object) -> None:
    # The page's own script, and no other: what a record says can never run.
    script = (resources.files("experiments.report") / "templates" / "tables.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {"script": markupsafe.Markup(script), "script_hash": digest}  # noqa: S704
    page = templates().get_template(f"{path.name}.j2").render(**own, **shown)
    write_whole(path, letters.shared(page).encode())
