"""How a report opens: every answer in a sentence, those that help first, and what became of the published claims."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from experiments.analysis.findings import Answer
from experiments.analysis.verdicts import Ruling, Verdict
from experiments.report import text
from experiments.report.answers import Answered

_HEADINGS = {
    Answer.HELPS: "What helps",
    Answer.HURTS: "What hurts",
    Answer.SAME: "What makes no difference",
    Answer.OPEN: "What cannot be told",
    Answer.UNEVEN: "What gets no verdict",
    Answer.INDICATIVE: "What is only indicative",
}


_SAME = "the same"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in words: where, by how much, between whom, and how sure."""

    where: str
    much: str
    values: str
    sure: str
    study: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The comparisons with one answer, the largest effect first."""

    answer: str
    heading: str
    lines: list[Line]


def groups(rows: Sequence[Answered]) -> list[Group]:
    """Return the answers, grouped; none where the run measured no line of them."""
    lines = list(zip(rows, map(_line, rows, _places(rows)), strict=True))
    found = []
    for answer, heading in _HEADINGS.items():
        mine = [(one, line) for one, line in lines if one.judged.answer is answer]
        mine.sort(key=lambda pair: abs(math.log(_gain(pair[0]))), reverse=True)
        if mine:
            found.append(Group(answer=str(answer), heading=heading, lines=[line for _, line in mine]))
    return found


def _places(rows: Sequence[Answered]) -> list[str]:
    """Return each line's title by itself: one that is "the same" as the line before says what that was."""
    found, before = [], ""
    for one in rows:
        title = one.line.title
        before = title if not title.startswith(_SAME) else before
        found.append(title.replace(_SAME, before, 1) if title.startswith(_SAME) else title)
    return found


def claims_said(rulings: Sequence[Ruling]) -> str:
    """Return how often each verdict was given on a published claim; empty where nothing was judged."""
    tested = [one for one in rulings if one.test is not None]
    claims = {one.claim.id for one in tested}
    if not claims:
        return ""
    counts = Counter(one.verdict for one in tested)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"Of the published claims {len(claims)} were tested, most under several conditions: {said}."


def _gain(one: Answered) -> float:
    """Return how many times better the design is: a ratio below 1 is a gain where less is better."""
    mean = one.judged.ratio.geometric_mean
    return 1 / mean if one.metric.better == "lower" else mean


def _line(one: Answered, where: str) -> Line:
    line, unit = one.line, one.metric.unit
    before, after = (text.quantity(value, unit) for value in (one.before, one.after))
    return Line(
        where=text.plain(where),
        much=f"{_much(one)} in {one.metric.title[:1].lower()}{one.metric.title[1:]}",
        values=text.plain(f"{before} ({line.before}) → {after} ({line.after})"),
        sure=_sure(one),
        study=line.study,
    )


def _much(one: Answered) -> str:
    ratio, answer = one.judged.ratio, one.judged.answer
    ends = (ratio.low, ratio.high) if ratio.low is not None and ratio.high is not None else (
        ratio.smallest, ratio.largest
    )  # fmt: skip
    turned = one.metric.better == "lower"
    better = _gain(one) >= 1
    if answer in (Answer.SAME, Answer.OPEN):
        return text.interval(ratio.geometric_mean, *ends)
    low, high = sorted(1 / end if turned == better else end for end in ends)
    mean = max(_gain(one), 1 / _gain(one))
    span = f"{text.significant(low)} … {text.significant(high)}"
    return f"{text.significant(mean)} times {'better' if better else 'worse'} ({span})"


def _sure(one: Answered) -> str:
    """Return what the answer stands on: blocks, the noise between equals, and why it is open if it is."""
    judged = one.judged
    blocks = f"{judged.ratio.blocks} block{'s' if judged.ratio.blocks != 1 else ''}"
    range_ = "95 % interval" if judged.ratio.low is not None else "range of the blocks"
    said = [f"{range_}, {blocks}"]
    if judged.pair.floor:
        said.append(f"equals differ by up to {text.floor(judged.pair.floor)}")
    if judged.why:
        said.append(judged.why)
    if judged.needs:
        said.append(f"{judged.needs - judged.ratio.blocks} more blocks would settle it, if the rest are like these")
    return "; ".join(said)
