"""How a report opens: every key comparison in a sentence, gains first, and what became of the published claims."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from experiments.analysis.comparisons import Comparison
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.metrics.interface import Metric
from experiments.report import headline, text
from experiments.report.key_comparisons import MeasuredComparison

_HEADINGS = {
    Conclusion.HELPS: "What helps",
    Conclusion.HURTS: "What hurts",
    Conclusion.SAME: "What makes no difference",
    Conclusion.BELOW: "What is smaller than the noise",
    Conclusion.OPEN: "What cannot be told",
    Conclusion.NONE: "What gets no verdict",
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
    lines = [
        (row, _line(row, row.comparison, where))
        for row, where in zip(rows, _places(rows), strict=True)
        if row.comparison is not None
    ]
    grouped = []
    for conclusion, heading in _HEADINGS.items():
        mine = [(row, line) for row, line in lines if row.comparison and row.comparison.conclusion is conclusion]
        mine.sort(key=lambda pair: _size(pair[0]), reverse=True)
        if mine:
            grouped.append(
                ConclusionGroup(conclusion=str(conclusion), heading=heading, lines=[line for _, line in mine])
            )
    return grouped


def missing(rows: Sequence[MeasuredComparison], studies: Sequence[str]) -> list[str]:
    """Return the comparisons that the run has no trials of, though it ran their study."""
    return [
        text.plain(f"{where}: {row.metric.title.lower()}")
        for row, where in zip(rows, _places(rows), strict=True)
        if row.comparison is None and row.key.study in studies
    ]


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


def _size(row: MeasuredComparison) -> float:
    summary = row.comparison.summary if row.comparison else None
    return math.inf if summary is None else abs(math.log(summary.geometric_mean))


def _line(row: MeasuredComparison, comparison: Comparison, where: str) -> ComparisonLine:
    key = row.key
    before, after = (headline.shown(value, row.metric) for value in (row.reference, row.subject))
    return ComparisonLine(
        where=text.plain(where),
        much=f"{_much(row.metric, comparison)}{row.metric.title[:1].lower()}{row.metric.title[1:]}",
        values=text.plain(f"{before} ({key.reference}) → {after} ({key.subject})"),
        sure=_sure(comparison),
        study=key.study,
    )


def _much(metric: Metric, comparison: Comparison) -> str:
    """Return the ratio in words; nothing where there is none."""
    summary, conclusion = comparison.summary, comparison.conclusion
    if summary is None:
        return ""
    low, high = summary.low, summary.high
    if low is None or high is None:
        low, high = summary.smallest, summary.largest
    robust = (summary.robust_low, summary.robust_high)
    if conclusion not in (Conclusion.HELPS, Conclusion.HURTS, Conclusion.INDICATIVE):
        return f"× {text.significant(summary.geometric_mean)} ({_spans((low, high), robust)}) in "
    # A ratio below 1 is a gain where less is better.
    gain = 1 / summary.geometric_mean if metric.better == "lower" else summary.geometric_mean
    better = gain >= 1
    ends: tuple[float, float] = (low, high)
    if (metric.better == "lower") == better:
        ends = (1 / high, 1 / low)
        robust = (_inverted(robust[1]), _inverted(robust[0]))
    mean = max(gain, 1 / gain)
    return f"{text.significant(mean)} times {'better' if better else 'worse'} ({_spans(ends, robust)}) in "


def _inverted(end: float | None) -> float | None:
    return None if end is None else 1 / end


def _spans(ends: tuple[float, float], robust: tuple[float | None, float | None]) -> str:
    """Return an interval, and the robust one beside it where there is one."""
    beside = text.ends(*robust)
    return text.ends(*ends) + ("" if beside == "–" else f"; robust {beside}")


def _sure(comparison: Comparison) -> str:
    """Return what the conclusion rests on: blocks, the noise between equals, why it is open, and what else to know."""
    summary = comparison.summary
    blocks = 0 if summary is None else summary.blocks
    interval = summary is not None and summary.low is not None
    range_ = "95 % intervals" if interval else "range of the blocks"
    parts = [f"{range_}, {blocks} complete block{'s' if blocks != 1 else ''}"]
    if comparison.pair.floor:
        parts.append(f"equals differ by up to {text.floor(comparison.pair.floor)}")
    if comparison.why:
        parts.append(comparison.why)
    if comparison.needs:
        parts.append(text.more_blocks(comparison.needs - blocks))
    return text.plain("; ".join([*parts, *comparison.caveats]))
