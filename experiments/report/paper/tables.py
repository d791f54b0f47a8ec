"""The paper's tables, made of a run: a name, a header, rows of words; empty where the run has nothing for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import pandas as pd

from experiments.metrics.measured_over_law import change_by_law
from experiments.report import findings, headline, ledger
from experiments.report.figures.isolation import PUBLISHED_REQUESTS, threads
from experiments.report.paper.numbers import NoRecord, Numbers
from experiments.report.scene import factor

Table = list[list[str]]


def table(name: str, numbers: Numbers) -> Table:
    """Return a table by name, its header first. Raises `NoRecord` where the run has no record for it."""
    made: dict[str, Callable[[Numbers], Table]] = {
        "conclusions": _conclusions,
        "law": _law,
        "ledger": _ledger,
        "untested": _untested,
    }
    rows = made[name](numbers)
    if len(rows) < 2:
        raise NoRecord(f"The table {name!r} has no row: the run holds no trial of what it shows")
    return rows


def verdicts(claims: Sequence[str], numbers: Numbers) -> Table:
    """Return the verdicts on these claims, a row a condition; no row where nothing was measured."""
    rows = [
        [one.claim.id, one.test.title, ledger.effect(one), one.claim.figure, str(one.verdict)]
        for one in numbers.judged
        if one.claim.id in claims and one.test is not None and one.effect is not None
    ]
    return [["claim", "condition", "found", "published", "verdict"], *rows] if rows else []


def why_unmeasured(claims: Sequence[str], numbers: Numbers) -> str:
    """Return, in one sentence, why nothing was measured of these claims."""
    reasons: dict[str, dict[str, None]] = {}
    for one in numbers.judged:
        if one.claim.id in claims:
            reasons.setdefault(one.why, {})[one.claim.id] = None
    causes = "; ".join(f"{', '.join(ids)}: {why}" for why, ids in reasons.items())
    return f"Not measured in this run. {causes}."


def _conclusions(numbers: Numbers) -> Table:
    rows = [["what", "measure", "reference", "subject", "ratio (95 % interval)", "noise", "conclusion"]]
    for one in numbers.key_comparisons:
        what, measure, reference, subject, ratio, _, noise, _ = headline.cells(one)
        said = "not measured" if one.comparison is None else str(one.comparison.conclusion)
        rows.append([what, measure, reference, subject, ratio, noise, said])
    return rows


def _law(numbers: Numbers) -> Table:
    """Return the change of total time by threads: measured, and the law's."""
    scene = numbers.scene("isolation")
    shown = scene.compared("total_time", work="sleep")
    shown = shown.assign(requests=factor(shown, "requests"), workers=shown["subject"].map(threads(scene)))
    shown = shown[shown["workers"].notna() & shown["requests"].isin(list(PUBLISHED_REQUESTS))]
    medians = shown.groupby(["workers", "requests"])["ratio"].median()
    rows = [["W", *(f"N = {count}" for count in PUBLISHED_REQUESTS)]]
    for workers in sorted(set(shown["workers"].astype(int))):
        cells = [_beside_law(medians, workers, requests) for requests in PUBLISHED_REQUESTS]
        rows.append([str(workers), *cells])
    return rows


def _beside_law(medians: pd.Series[float], workers: int, requests: int) -> str:
    if (workers, requests) not in medians.index:
        return "–"
    change = 100 * (float(medians.loc[(workers, requests)]) - 1)
    return f"{_short(change)} ({_short(change_by_law(requests, workers))})"


def _short(change: float) -> str:
    return f"{change:.1f}".replace("-", "−")


def _ledger(numbers: Numbers) -> Table:
    """Return every claim that was tested: what was published and what measured for it, what was found, the verdicts."""
    rows = [["claim", "published", "found"]]
    for claim, mine in ledger.by_claim(numbers.judged):
        if claim.tests:
            measured = [f"measured for it: {claim.source_measured}"] if claim.source_measured else []
            published = "\n".join([claim.figure, *measured])
            found = "\n".join([findings.sentence(mine), f"verdicts: {ledger.summary(mine)}"])
            rows.append([f"{claim.id}: {claim.statement}", published, found])
    return rows


def _untested(numbers: Numbers) -> Table:
    """Return why the other claims are not measured, and which they are."""
    untested = sorted((one.why, one.claim.id) for one in numbers.judged if not one.claim.tests)
    rows = [["why not measured", "claims"]]
    for why, group in groupby(untested, key=lambda one: one[0]):
        rows.append([why, ", ".join(claim for _, claim in group)])
    return rows
