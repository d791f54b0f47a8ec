"""The parts of a report before they are a page: banners, and a section a study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import claims
from experiments.analysis.claims import Claim
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.run import Run
from experiments.measuring import validity
from experiments.measuring.records import Outcome
from experiments.report import figures, provenance, tables, text
from experiments.report.drawing import Drawn
from experiments.report.provenance import PartFact
from experiments.report.scene import ReportedStudy, Scene, scene
from experiments.report.tables import Table

_MOST_REASONS = 20  # a run that failed everywhere fails for few reasons; the CSV holds every trial


class Banner(msgspec.Struct, frozen=True):
    """A sentence the reader must not miss. ``loud`` ones change what every figure means."""

    words: str
    loud: bool = False


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """How the trials of one subject ended."""

    subject: str
    trials: int
    ok: int
    lost: str


class ComparisonRow(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in one primary measure, in words."""

    condition: str
    subject: str
    measure: str
    value: float
    ratio: str
    robust: str
    floor: str
    conclusion: str
    why: str
    caveats: str
    smallest: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the report; ``address`` is empty where the record names none inside the run folder."""

    words: str
    address: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why trials did not end ok, with what the processes of one of them had printed."""

    words: str
    logs: list[Link] = []


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the report says of one study.

    ``further`` are the measures of other packages' metrics that the study does not name; ``refused`` has a sentence for
    every figure of another package that could not be drawn. ``title`` tells it from another part's section on the same
    study, ``anchor`` is its place on the page and begins the names of its tables, and ``source`` says which part it is
    of, where there are several. ``tried`` and ``measured`` say whether there were trials, and values. ``files`` are
    the tables that lie beside the page, as they are written, by the ends of their names.
    """

    name: str
    title: str
    anchor: str
    source: str
    question: str
    summary: str
    tried: bool
    measured: bool
    files: dict[str, bytes]
    figures: list[Drawn]
    refused: list[str]
    tables: list[Table]
    further: list[Table]
    comparisons: list[ComparisonRow]
    outcomes: list[Outcomes]
    reasons: list[Reason]
    claims: list[Claim]
    links: list[Link]


def banners(run: Run) -> list[Banner]:
    """Return the sentences that stand before all figures; one that does not hold for every part says for which."""
    holders: dict[Banner, list[str]] = {}
    for part in run.split():
        for banner in _banners(part):
            holders.setdefault(banner, []).append(provenance.studies(part.parts[0]))
    whole = [Banner(text.plain(sentence)) for sentence in run.refused]
    return [_said_of(banner, names, len(run.parts)) for banner, names in holders.items()] + whole


def _said_of(banner: Banner, names: Sequence[str], parts: int) -> Banner:
    if len(names) == parts:
        return banner
    return msgspec.structs.replace(banner, words=f"{', '.join(dict.fromkeys(names))}: {banner.words}")


def _banners(part: Run) -> list[Banner]:
    info, trials = part.info, part.trials
    banners = []
    if not info.enforced or not trials["enforced"].astype(bool).all():
        why = "; ".join(info.lacking) or f"nothing kept these trials inside {info.profile.description}"
        banners.append(
            Banner(
                f"The limits were NOT enforced: {text.plain(why)}. "
                "No figure here says anything of a machine of that size.",
                loud=True,
            )
        )
    if trials.empty:
        banners.append(Banner("This run holds no records: nothing was measured.", loud=True))
    elif not (trials["outcome"] == Outcome.OK).any():
        banners.append(Banner("No trial of this run ended well: nothing was measured.", loud=True))
    if info.blocks < ENOUGH_BLOCKS:
        blocks = provenance.blocks(info)
        banners.append(Banner(f"Indicative only: {blocks}. No intervals and no verdicts below {ENOUGH_BLOCKS} blocks."))
    if len(trials) < info.planned:
        banners.append(Banner(f"Incomplete: {len(trials)} of {info.planned} planned trials are recorded."))
    for reason, count in Counter(each.reason for each in info.skipped).most_common():
        cells = f"{count} cell{'s' if count != 1 else ''}"
        banners.append(Banner(f"Skipped {cells}, which this machine could not run: {text.plain(reason)}."))
    if part.repeated:
        records = "1 record was" if part.repeated == 1 else f"{part.repeated} records were"
        banners.append(Banner(f"{records} superseded by a later run of the same trial."))
    if info.engine.words_are_meaningless:
        banners.append(
            Banner(
                f"The model {text.plain(info.engine.model or info.engine.name)} has random weights: its speed and "
                "memory are those of its shape, its words are meaningless."
            )
        )
    return banners


def machine(run: Run) -> list[PartFact]:
    """Return the state of each part's machine while the trials ran, by name."""
    seen = [dict(_noise(part)) for part in run.split()]
    names = dict.fromkeys(name for mine in seen for name in mine)
    facts = [PartFact(name=name, values=[mine.get(name, "–") for mine in seen]) for name in names]
    return [*facts, *_inside_trials(run)]


def _noise(part: Run) -> Iterator[tuple[str, str]]:
    trials = part.trials
    for column, name in (
        ("host_steal_share", "processor time a hypervisor gave to others"),
        ("host_others_cpu_share", "processor time other processes used"),
    ):
        shares = trials[column].dropna().astype(float)
        if len(shares):
            measured = f"median {shares.median():.1%}, highest {shares.max():.1%} of a trial"
            yield name, f"{measured}; a trial above {validity.MOST[column.removeprefix('host_')]:.0%} is noisy"
    frequencies = trials["host_frequency_mhz"].dropna().astype(float)
    if len(frequencies):
        yield "processor frequency", f"{frequencies.min():.0f} … {frequencies.max():.0f} MHz"
    for outcome, name in ((Outcome.INVALID, "void trials"), (Outcome.OK, "noisy trials that stand")):
        reasons = Counter(
            record.reason.partition(":")[0] for record in part.records if record.reason and record.outcome is outcome
        )
        yield name, ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common()) or "none"


def _inside_trials(run: Run) -> Iterator[PartFact]:
    """Yield how much of the time was spent inside trials: of all parts together, as one run may have become several."""
    trials = run.trials
    if len(trials) < 2:
        return
    starts = trials["started_at"].map(lambda moment: datetime.fromisoformat(moment).timestamp())
    begun, ended = (starts.groupby(trials["run"]).min(), (starts + trials["duration_s"]).groupby(trials["run"]).max())
    whole, reached = 0.0, -math.inf
    for start, end in sorted(zip(begun, ended, strict=True)):
        whole += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    inside = trials["duration_s"].sum()
    words = f"{inside / whole if whole else 0:.0%} of {whole / 60:.0f} min"
    # Trials run one after another. When they began is the wall clock's word, how long they took a steady clock's.
    if inside > whole:
        words = f"{inside / 60:.0f} min; of how long cannot be told, because the wall clock was set meanwhile"
    yield PartFact(name="time inside trials", values=[words] * len(run.parts))


def section(run: Run, part: Run, name: str, study: ReportedStudy) -> Section:
    """Return the report's section on the study called ``name`` of one ``part`` of ``run``."""
    mine, source = scene(part, name, study), part.parts[0]
    title = provenance.title(run, source.run, name)
    # Its first section keeps the name of the study alone: that is what other pages show and link to.
    first = all(name not in before.studies for before in run.parts[: run.parts.index(source)])
    anchor = text.slug(name if first else title)
    outcomes = _outcomes(part.trials[part.trials["study"] == name])
    drawn = figures.draw(mine)
    outside = figures.draw_outside(mine, [figure.name for figure in drawn])
    shown = [*drawn, *outside.figures]
    # A study that names no measures has all of them in its tables.
    further = [metric for metric in metrics.outside() if study.measures and metric not in study.measures]
    summed, compared = tables.measures(mine), tables.ratios(mine)
    return Section(
        name=name,
        title=title,
        anchor=anchor,
        source=provenance.provenances(part)[0].sentence if len(run.parts) > 1 else "",
        question=study.question,
        summary=_summary(mine),
        tried=not mine.trials.empty,
        measured=not mine.measures.empty,
        files={
            "measures": tables.csv(summed),
            "ratios": tables.csv(compared),
            "by-trial": tables.csv(mine.measures.drop(columns="factors")),
        },
        figures=shown if first else [_renamed(figure, source.run) for figure in shown],
        refused=outside.refused,
        tables=tables.by_condition(mine, summed, compared, study.measures or list(metrics.registered())),
        further=tables.by_condition(mine, summed, compared, further),
        comparisons=_comparisons(mine),
        outcomes=outcomes,
        reasons=_reasons(run.folder, part.folder, mine),
        claims=[claim for claim in claims.load().values() if claim.study == name],
        links=_links(run.folder, part.folder, mine),
    )


def _renamed(figure: Drawn, run: str) -> Drawn:
    return msgspec.structs.replace(figure, name=f"{figure.name}-{text.slug(run)}")


def _summary(mine: Scene) -> str:
    """Return how often each conclusion was drawn; empty where nothing was compared."""
    counts = Counter(mine.conclusions["conclusion"])
    counted = ", ".join(f"{count} × {conclusion}" for conclusion, count in counts.most_common())
    return f"{len(mine.conclusions)} comparisons in the measures that answer this: {counted}." if counted else ""


def _outcomes(trials: pd.DataFrame) -> list[Outcomes]:
    outcomes = []
    for subject, ended in trials.groupby("subject")["outcome"]:
        counts = ended.value_counts()
        total, ok = int(counts.sum()), int(counts.get(Outcome.OK, 0))
        lost = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if outcome != Outcome.OK)
        outcomes.append(Outcomes(subject=text.plain(subject), trials=total, ok=ok, lost=lost))
    return outcomes


def _comparisons(mine: Scene) -> list[ComparisonRow]:
    return [
        ComparisonRow(
            condition=text.plain(row["condition"]),
            subject=text.plain(f"{row['subject']} against {row['reference']}"),
            measure=metrics.get(row["metric"]).title,
            value=math.nan if row["ratio"] is None else float(row["ratio"]),
            ratio=text.interval(row["ratio"], row["low"], row["high"]),
            robust=text.ends(row["robust_low"], row["robust_high"]),
            floor=text.floor(row["floor"]),
            conclusion=str(row["conclusion"]),
            why=text.plain(_why(row)),
            caveats=text.plain("; ".join(row["caveats"])),
            smallest=text.share(row["smallest_effect"]),
        )
        for row in mine.conclusions.to_dict("records")
    ]


def _why(row: Mapping[Hashable, Any]) -> str:
    """Return why a comparison is open, and what would settle it."""
    if pd.isna(row["needs"]):
        return str(row["why"])
    return f"{row['why']}; {text.more_blocks(int(row['needs']) - row['blocks'])}"


def _reasons(page: Path, folder: Path, mine: Scene) -> list[Reason]:
    bad = [record for record in mine.records if record.outcome is not Outcome.OK]
    printed = {(record.spec.subject, record.outcome, record.reason): record.logs for record in bad if record.logs}
    counts = Counter((record.spec.subject, record.outcome, record.reason) for record in bad)
    reasons = [
        Reason(
            words=f"{text.plain(subject)}: {outcome}, {count} ×: {text.plain(reason) or 'no reason was recorded'}",
            logs=[
                Link(words=text.plain(f"what the {process} printed"), address=_inside(page, folder, path))
                for process, path in printed.get((subject, outcome, reason), {}).items()
            ],
        )
        for (subject, outcome, reason), count in counts.most_common()
    ]
    if len(reasons) <= _MOST_REASONS:
        return reasons
    rest = Reason(words=f"and {len(reasons) - _MOST_REASONS} more reasons, in the table of trials")
    return [*reasons[:_MOST_REASONS], rest]


def _links(page: Path, folder: Path, mine: Scene) -> list[Link]:
    return [
        Link(
            words=text.plain(f"{kind}: {record.spec.subject}, {', '.join(map(str, record.spec.condition.values()))}"),
            address=_inside(page, folder, address),
        )
        for record in mine.records
        for part in record.parts
        for kind, address in sorted(part.artifacts.items())
    ]


def _inside(page: Path, folder: Path, address: str) -> str:
    """Return ``address`` in a run's ``folder`` as a link from the folder of the ``page``.

    Nothing where it leaves the run folder or is not there.
    """
    path = PurePosixPath(address)
    if path.is_absolute() or ".." in path.parts or "\0" in address or not (folder / path).is_file():
        return ""
    return "./" + quote((folder / path).relative_to(page).as_posix())
