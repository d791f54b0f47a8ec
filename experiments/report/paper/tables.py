"""The paper's tables, made of a run: a header and rows of words; empty where the run has nothing for one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from string import ascii_lowercase
from typing import NamedTuple

from experiments import metrics
from experiments.analysis import claims
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.measuring.records import Scalar
from experiments.report import concerns, findings, headline, key_comparisons, ledger, provenance, text
from experiments.report.advice import NOT_MEASURED
from experiments.report.concerns import ConcernTable, MeasuredLevel
from experiments.report.key_comparisons import KeyComparison, MeasuredComparison, measured
from experiments.report.paper.numbers import NoRecord, Numbers
from experiments.report.rungs import NO_MECHANISM

Table = list[list[str]]

_NBSP = "\u00a0"

_VERDICTS = (Verdict.REPRODUCED, Verdict.PARTLY, Verdict.CONTRADICTED, Verdict.INCONCLUSIVE)
_ENDS = {"add-one": ("none", "added alone"), "leave-one-out": ("all", "left out")}
"""Of each direction of a ladder: what every rung is compared with, and the words for it."""
_CLIMBED = {
    "load": ("throughput", "latency_p50", "group_peak_memory"),
    "density": ("tasks_in_prompt", "latency_p50", "anonymous_mean"),
}
"""The measures that a study's ladders are told in."""


def table(name: str, numbers: Numbers) -> Table:
    """Return a table by name, its header first. Raises `NoRecord` where the run has no record for it."""
    made: dict[str, Callable[[Numbers], Table]] = {
        "sources": _sources,
        "agents": _agents,
        "agents-columns": _agents_columns,
        "agents-places": _agents_places,
        "parts": _parts,
        "ladders": _ladders,
        "untested": _untested,
    }
    rows = made[name](numbers)
    if len(rows) < 2:
        raise NoRecord(f"The table {name!r} has no row: the run holds no trial of what it shows")
    return rows


def row(name: str, numbers: Numbers) -> list[str]:
    """Return what a comparison found: both medians, the ratio, the noise, the conclusion. Raises as `Numbers` does."""
    one = numbers.measured(name)
    assert one.comparison is not None  # `Numbers.measured` gives no other
    before, after = (headline.shown(value, one.metric) for value in (one.reference, one.subject))
    floor = text.floor(one.comparison.pair.floor)
    return [before, after, key_comparisons.ratio(one), floor, str(one.comparison.conclusion)]


def claims_of(study: str, numbers: Numbers) -> Table:
    """Return the claims that a study has tested in this run, a row each, without a header.

    Its name, what it asserts, the published figure, what its source measured for it, what was found, and the verdicts.
    """
    return [
        [
            claim.id,
            claim.statement,
            claim.figure,
            claim.source_measured,
            findings.sentence(mine).rstrip("."),
            ledger.summary(mine).replace(" ×", f"{_NBSP}×"),
        ]
        for claim, mine in ledger.by_claim(numbers.judged)
        if claim.study == study and _tested(mine)
    ]


def _tested(mine: Sequence[ClaimVerdict]) -> bool:
    return any(one.verdict is not Verdict.NOT_MEASURED for one in mine)


def _sources(numbers: Numbers) -> Table:
    """Return each source with its claims, and how often which verdict was given on them."""
    rows = [["", "document", "claims", "tested", *map(str, _VERDICTS)]]
    told = list(ledger.by_claim(numbers.judged))
    for name, document in claims.sources().items():
        mine = [ones for claim, ones in told if claim.document == name]
        counts = Counter(one.verdict for ones in mine for one in ones)
        tested = sum(map(_tested, mine))
        cited = f"{document.cited}: {document.says}" if document.says else document.cited
        rows.append([name, cited, str(len(mine)), str(tested), *(str(counts[verdict]) for verdict in _VERDICTS)])
    return rows


class _Place(NamedTuple):
    """Where levels were measured: the letter it is named by, and what is to be known of every level from there."""

    letter: str
    remarks: list[str]


def _agents(numbers: Numbers) -> Table:
    """Return agents by what a person cares about, each level with its interval and the letter of its place."""
    found = concerns.answered(numbers.run)
    rows = [["agent", *(concern.title for concern in found.concerns)]]
    if found.empty:
        return rows
    places = _places(found)
    for row in found.rows:
        levels = (row.cells[concern.name] for concern in found.concerns)
        cells = ("\n".join(_level(one, places[_place(one)]) for one in each) or NOT_MEASURED for each in levels)
        rows.append([row.agent.title, *cells])
    return rows


def _agents_columns(numbers: Numbers) -> Table:
    """Return what the columns of the table of agents are."""
    columns = concerns.answered(numbers.run).concerns
    return [["column", "what it is"], *([each.title, each.about] for each in columns)]


def _agents_places(numbers: Numbers) -> Table:
    """Return where what the letters of the table of agents name was measured."""
    places = _places(concerns.answered(numbers.run))
    once = Counter((study, where) for study, where, _ in places)
    rows = [["", "where it was measured"]]
    for (study, where, run), place in places.items():
        told = [f"run {run}"] if once[study, where] > 1 else []
        rows.append([f"[{place.letter}]", "; ".join([f"{study}, {where}", *place.remarks, *told])])
    return rows


def _places(found: ConcernTable) -> dict[tuple[str, str, str], _Place]:
    """Return where the levels of the table are from, in the order of its columns."""
    measured_there: dict[tuple[str, str, str], list[MeasuredLevel]] = {}
    for concern in found.concerns:
        for level in (level for row in found.rows for level in row.cells[concern.name]):
            measured_there.setdefault(_place(level), []).append(level)
    letters = (letter * times for times in count(1) for letter in ascii_lowercase)
    return {
        place: _Place(letter, [each for each in _remarks(levels[0]) if all(each in _remarks(one) for one in levels)])
        for (place, levels), letter in zip(measured_there.items(), letters, strict=False)
    }


def _place(level: MeasuredLevel) -> tuple[str, str, str]:
    return level.study, level.where, level.run


def _remarks(level: MeasuredLevel) -> list[str]:
    return [level.sure, *level.notes]


def _level(level: MeasuredLevel, place: _Place) -> str:
    """Return a level with its interval, in its unit where both ends are in it, and what is known of it alone."""
    unit = f"{_NBSP}{level.value.rpartition(_NBSP)[2]}"
    ends = (level.interval.replace(unit, "") if level.interval.count(unit) == 2 else level.interval).replace(" ", _NBSP)
    own = [each for each in _remarks(level) if each not in place.remarks]
    return ", ".join([f"{level.value} [{place.letter}]{f' ({ends})' if ends else ''}", *own])


def _parts(numbers: Numbers) -> Table:
    """Return each run: its studies, when, how, on which processor, with which model, questions and code."""
    rows = [["study", "begun", "preset", "trials", "processor", "model", "questions", "code"]]
    for part in numbers.run.parts:
        info = part.info
        rows.append(
            [
                provenance.studies(part),
                info.created[:10],
                f"{text.plain(info.preset)}, {provenance.blocks(info)}",
                f"{len(part.records):,}",
                text.plain(info.environment.get("cpu_model", "unknown")),
                text.plain(provenance.model(info)),
                text.plain(", ".join(sorted({record.spec.workload for record in part.records}))),
                text.plain(info.code_version),
            ]
        )
    return rows


def _ladders(numbers: Numbers) -> Table:
    """Return what each mechanism does alone, or what is missed without it: a row a ladder and measure."""
    rows = [["agent", "each mechanism", "measure", "better", "worse", "no difference", "cannot be told"]]
    keys: list[KeyComparison] = []
    for (study, agent, direction), found in _climbed(numbers).items():
        factors: dict[str, Scalar] = {"ladder": direction}
        if agent:
            factors["of"] = agent
        for metric in _CLIMBED[study]:
            for subject, mechanism in found.items():
                keys.append(
                    KeyComparison(
                        name=f"{study} {agent} {direction} {metric}",
                        title=mechanism,
                        study=study,
                        metric=metric,
                        reference=_ENDS[direction][0],
                        subject=subject,
                        factors=factors,
                    )
                )
    climbed: dict[tuple[str, str, str], list[MeasuredComparison]] = {}
    for one in measured(numbers.run, keys):
        if one.comparison is not None:
            climbed.setdefault((one.key.name, one.run, one.condition), []).append(one)
    for (name, _, _), mine in climbed.items():
        _, agent, direction, metric = name.split(" ")
        told = {each: _listed(mine, each) for each in (Conclusion.HELPS, Conclusion.HURTS)}
        same = sum(_conclusion(one) in (Conclusion.SAME, Conclusion.BELOW) for one in mine)
        rest = len(mine) - same - sum(_conclusion(one) in told for one in mine)
        title = metrics.get(metric).title.lower()
        rows.append([agent, _ENDS[direction][1], title, *told.values(), str(same), str(rest)])
    return rows


def _climbed(numbers: Numbers) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the ladders of the run by study, agent and direction: each rung's subject with its mechanism."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    trials = numbers.run.trials
    for study, factors, subject, mechanism in zip(
        trials["study"], trials["factors"], trials["subject"], trials["variant"], strict=True
    ):
        if study in _CLIMBED and factors.get("ladder") in _ENDS and mechanism not in NO_MECHANISM:
            ladder = found.setdefault((study, str(factors.get("of", "")), factors["ladder"]), {})
            ladder[subject] = text.plain(mechanism).replace("_", " ")
    order = list(_CLIMBED)
    return dict(sorted(found.items(), key=lambda one: (order.index(one[0][0]), one[0])))


def _conclusion(one: MeasuredComparison) -> Conclusion:
    assert one.comparison is not None  # the others were left out
    return one.comparison.conclusion


def _listed(mine: Iterable[MeasuredComparison], wanted: Conclusion) -> str:
    """Return the mechanisms with one conclusion, the largest effect first."""
    ratios = {
        one.key.title: one.comparison.summary.geometric_mean
        for one in mine
        if one.comparison is not None and one.comparison.summary is not None and one.comparison.conclusion is wanted
    }
    order = sorted(ratios, key=lambda name: -abs(math.log(ratios[name])))
    return ", ".join(f"{name} (×{_NBSP}{text.significant(ratios[name])})" for name in order) or "–"


def _untested(numbers: Numbers) -> Table:
    """Return why the other claims are not measured, and which they are."""
    reasons: dict[str, list[str]] = {}
    for claim, mine in ledger.by_claim(numbers.judged):
        if not _tested(mine):
            reasons.setdefault(claim.not_measured or mine[0].why, []).append(claim.id)
    return [["claims", "why not measured"], *([", ".join(ids), why] for why, ids in reasons.items())]
