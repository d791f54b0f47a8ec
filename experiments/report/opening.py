"""How a report opens: every key comparison in a sentence, gains first, and what became of the published claims."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from experiments.analysis.conclusions import Conclusion
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.report import text
from experiments.report.key_comparisons import MeasuredComparison

_HEADINGS = {
    Conclusion.HELPS: "What helps",
    Conclusion.HURTS: "What hurts",
    Conclusion.SAME: "What makes no difference",
    Conclusion.OPEN: "What cannot be told",
    Conclusion.UNEVEN: "What gets no verdict",
    Conclusion.INDICATIVE: "What is only indicative",
}


_SAME = "the same"


class ComparisonLine(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in words: where, by how much, between which subjects, and how sure."""

    where: str
    much: str
    values: str
    sure: str
    study: str


class ConclusionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The comparisons with one conclusion, the largest effect first."""

    conclusion: str
    heading: str
    lines: list[ComparisonLine]


def groups(rows: Sequence[MeasuredComparison]) -> list[ConclusionGroup]:
    """Return the comparisons, grouped by their conclusions; none where the run measured none of them."""
    lines = list(zip(rows, map(_line, rows, _places(rows)), strict=True))
    grouped = []
    for conclusion, heading in _HEADINGS.items():
        mine = [(row, line) for row, line in lines if row.comparison.conclusion is conclusion]
        mine.sort(key=lambda pair: abs(math.log(_gain(pair[0]))), reverse=True)
        if mine:
            grouped.append(
                ConclusionGroup(conclusion=str(conclusion), heading=heading, lines=[line for _, line in mine])
            )
    return grouped


def _places(rows: Sequence[MeasuredComparison]) -> list[str]:
    """Return each row's title by itself: one that is "the same" as the row before says what that was."""
    places, before = [], ""
    for row in rows:
        title = row.key.title
        if title.startswith(_SAME):
            places.append(title.replace(_SAME, before, 1))
        else:
            before = title
            places.append(title)
    return places


def claims_summary(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return how often each verdict was given on a published claim; empty where none was tested."""
    tested = [each for each in verdicts if each.test is not None]
    claims = {each.claim.id for each in tested}
    if not claims:
        return ""
    counts = Counter(each.verdict for each in tested)
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"Of the published claims {len(claims)} were tested, most under several conditions: {counted}."


def _gain(row: MeasuredComparison) -> float:
    """Return how many times better the design is: a ratio below 1 is a gain where less is better."""
    mean = row.comparison.summary.geometric_mean
    return 1 / mean if row.metric.better == "lower" else mean


def _line(row: MeasuredComparison, where: str) -> ComparisonLine:
    key, unit = row.key, row.metric.unit
    before, after = (text.quantity(value, unit) for value in (row.before, row.after))
    return ComparisonLine(
        where=text.plain(where),
        much=f"{_much(row)} in {row.metric.title[:1].lower()}{row.metric.title[1:]}",
        values=text.plain(f"{before} ({key.before}) → {after} ({key.after})"),
        sure=_sure(row),
        study=key.study,
    )


def _much(row: MeasuredComparison) -> str:
    summary, conclusion = row.comparison.summary, row.comparison.conclusion
    low, high = summary.low, summary.high
    if low is None or high is None:
        low, high = summary.smallest, summary.largest
    if conclusion in (Conclusion.SAME, Conclusion.OPEN):
        return text.interval(summary.geometric_mean, low, high)
    better = _gain(row) >= 1
    if (row.metric.better == "lower") == better:
        low, high = 1 / high, 1 / low
    mean = max(_gain(row), 1 / _gain(row))
    span = f"{text.significant(low)} … {text.significant(high)}"
    return f"{text.significant(mean)} times {'better' if better else 'worse'} ({span})"


def _sure(row: MeasuredComparison) -> str:
    """Return what the conclusion rests on: blocks, the noise between equals, and why it is open if it is."""
    comparison, summary = row.comparison, row.comparison.summary
    blocks = f"{summary.blocks} block{'s' if summary.blocks != 1 else ''}"
    range_ = "95 % interval" if summary.low is not None else "range of the blocks"
    parts = [f"{range_}, {blocks}"]
    if comparison.pair.floor:
        parts.append(f"equals differ by up to {text.floor(comparison.pair.floor)}")
    if comparison.why:
        parts.append(comparison.why)
    if comparison.needs:
        parts.append(f"{comparison.needs - summary.blocks} more blocks would settle it, if the rest are like these")
    return "; ".join(parts)
