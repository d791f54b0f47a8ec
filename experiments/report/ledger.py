"""The claims ledger of a run: a page of the report, its tables, and a table of docs/results.md.

``python -m experiments.report.headline`` writes the last; a test fails when it is not what the reference run says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from experiments import metrics
from experiments.analysis import claims, verdict_rules, verdicts
from experiments.analysis.claims import Claim, Test
from experiments.analysis.order import describe
from experiments.analysis.run import Run
from experiments.analysis.scales import RATIO
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.report import drawing, figures, findings, text
from experiments.report.drawing import Drawn
from experiments.report.repeating import Repeating, Repetition
from experiments.report.selecting import WantedTrials


class VerdictRow(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict in words."""

    title: str
    condition: str
    measure: str
    effect: str
    floor: str
    verdict: Verdict
    why: str
    robust: str
    caveats: str
    blocks: list[tuple[str, str, str]]
    trials: list[str]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One claim with its verdicts, what they come to, and how to measure again what tested it.

    ``tested`` says whether the run has trials of it.
    """

    claim: Claim
    finding: str
    summary: str
    tested: bool
    verdicts: list[VerdictRow]
    figures: list[Drawn]
    repetitions: list[Repetition]


def judge(run: Run) -> list[ClaimVerdict]:
    """Return the verdicts of ``run`` on every claim of the ledger."""
    return verdicts.judge(run, claims.load())


def entries(judged: Sequence[ClaimVerdict], run: Run) -> list[Entry]:
    """Return the page's part on each claim."""
    parts, repeating = [], Repeating()
    for claim, mine in by_claim(judged):
        with drawing.style():
            drawn = figures.claims.draw(claim, mine)
        parts.append(
            Entry(
                claim=claim,
                finding=findings.sentence(mine),
                summary=summary(mine),
                tested=any(one.verdict is not Verdict.NOT_MEASURED for one in mine),
                verdicts=[_row(one, one.test) for one in mine if one.test is not None],
                figures=drawn,
                repetitions=repetitions(repeating, run, mine),
            )
        )
    return parts


def repetitions(repeating: Repeating, run: Run, mine: Sequence[ClaimVerdict]) -> list[Repetition]:
    """Return how to measure again what verdicts on one claim rest on, as the run of each did."""
    study = mine[0].claim.study
    if study is None:
        return []
    infos = {part.run: part.info for part in run.parts}
    by_run: dict[str, list[ClaimVerdict]] = {}
    for one in mine:
        by_run.setdefault(one.run or run.info_of(study).run_id, []).append(one)
    return [one for name, these in by_run.items() for one in repeating.repetitions(infos[name], study, wanted(these))]


def wanted(mine: Sequence[ClaimVerdict]) -> list[WantedTrials]:
    """Return the trials that verdicts on a claim rest on; where the run has none, those that would test it."""
    return [_wanted(one, one.test) for one in mine if one.test is not None]


def _wanted(one: ClaimVerdict, test: Test) -> WantedTrials:
    subjects = frozenset(filter(None, (test.subject, test.reference)))
    if not one.condition:
        relative = verdict_rules.scale(one.claim) is RATIO
        return WantedTrials(title=test.title, fits=test.fits, subjects=subjects, arms=relative)
    return WantedTrials(
        title=test.title,
        fits=lambda condition: describe(condition) == one.condition,
        subjects=subjects,
        blocks=-(-len(one.keys) // len(subjects)),
        arms=one.floor is not None,
    )


def summary(mine: Sequence[ClaimVerdict]) -> str:
    """Return how often each verdict was given on a claim, or why it was not measured."""
    if all(one.verdict is Verdict.NOT_MEASURED for one in mine):
        return f"{Verdict.NOT_MEASURED}: {mine[0].why}"
    counts = Counter(one.verdict for one in mine)
    return ", ".join(f"{counts[verdict]} × {verdict}" for verdict in Verdict if counts[verdict])


def table(judged: Sequence[ClaimVerdict]) -> str:
    """Return the ledger in Markdown: its sources, what was published and what was found, and what was not tested."""
    told = list(by_claim(judged))
    documents = claims.sources()
    named = dict.fromkeys(claim.document for claim, _ in told)
    rows = [f"- *{name}*: {documents[name].cited}" for name in named]
    rows += ["", "| claim | published | found | verdicts |", "|---|---|---|---|"]
    untested: dict[str, list[str]] = {}
    for claim, mine in told:
        if all(one.verdict is Verdict.NOT_MEASURED for one in mine):
            untested.setdefault(claim.not_measured or mine[0].why, []).append(claim.id)
            continue
        stands = f"{claim.id}: {claim.statement}<br><small>{claim.source}</small>"
        published = claim.figure
        if claim.source_measured:
            published += f"<br><small>What was measured for it: {claim.source_measured}</small>"
        rows.append(f"| {stands} | {published} | {findings.sentence(mine)} | {summary(mine)} |")
    count = sum(map(len, untested.values()))
    rows += ["", f"<details><summary>{count} more are not measured, for these reasons</summary>", ""]
    rows += [f"- {', '.join(ids)}: {why}." for why, ids in untested.items()]
    return "\n".join([*rows, "", "</details>"])


def by_study(judged: Sequence[ClaimVerdict]) -> dict[str, list[ClaimVerdict]]:
    """Return the verdicts by the study that tests their claims, "" where none does."""
    found: dict[str, list[ClaimVerdict]] = {}
    for one in judged:
        found.setdefault(one.claim.study or "", []).append(one)
    return found


def by_claim(judged: Sequence[ClaimVerdict]) -> Iterator[tuple[Claim, list[ClaimVerdict]]]:
    """Yield each claim with its verdicts."""
    for _, group in groupby(judged, key=lambda one: one.claim.id):
        mine = list(group)
        yield mine[0].claim, mine


def _row(one: ClaimVerdict, test: Test) -> VerdictRow:
    unit = metrics.get(one.metric).unit
    shown = [text.quantity(value, unit) for value in one.values]
    beside = [text.quantity(value, unit) for value in one.reference_values] or [""] * len(shown)
    return VerdictRow(
        title=test.title,
        condition=text.plain(one.condition),
        measure=metrics.get(one.metric).title,
        effect=effect(one),
        floor=_floor(one),
        verdict=one.verdict,
        why=text.plain(one.why),
        robust=_ends(one, one.robust_low, one.robust_high),
        caveats=text.plain("; ".join(one.caveats)),
        blocks=list(zip(map(str, one.blocks), shown, beside, strict=True)),
        trials=list(one.keys),
    )


def _floor(one: ClaimVerdict) -> str:
    if one.floor is None:
        return "–"
    return (
        f"± {text.share(one.floor / 100)}"
        if one.claim.unit == "percent change"
        else f"± {text.significant(one.floor)} points"
    )


def effect(one: ClaimVerdict) -> str:
    """Return the effect, or the level, with its interval; a dash where nothing was measured."""
    if one.effect is None:
        return "–"
    interval = _ends(one, one.low, one.high)
    return f"{_written(one, one.effect)} ({interval})" if interval else _written(one, one.effect)


def _ends(one: ClaimVerdict, low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_written(one, low)} … {_written(one, high)}"


def _written(one: ClaimVerdict, value: float) -> str:
    if one.claim.is_effect:
        return text.percent(value).replace("%", "%" if one.claim.unit == "percent change" else "points")
    return text.quantity(value, metrics.get(one.metric).unit)
