"""How a report opens: what happens where a real model ran, by what a user would notice; apart from it, all the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from experiments.analysis.comparisons import Comparison
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.metrics.interface import Metric
from experiments.report import effects, headline, text
from experiments.report.effects import Effect
from experiments.report.key_comparisons import MeasuredComparison, surest

RESPONSE, THROUGHPUT, MEMORY, RIGHTLY = "Response time", "Throughput", "Memory", "Remembered rightly"
_REST = "The start, and the rest"
_SAME = "the same"

# What a user would notice, by how the names of such metrics begin; throughput and memory are known by their units.
_BEGINNINGS = {
    RESPONSE: ("latency", "time_to_first_token", "short_task", "total_time", "first_request", "second_request"),
    RIGHTLY: ("right_answers", "evidence_in", "tasks_", "recall"),
}
_UNITS = {"1/s": THROUGHPUT, "bytes": MEMORY}


class ComparisonLine(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in words: where, by how much, between which subjects, and how sure.

    ``evidence`` names the run and the study that it is from.
    """

    where: str
    effect: Effect
    sign: str
    conclusion: str
    much: str
    values: str
    sure: str
    evidence: tuple[str, str]


class OpeningCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a user would notice: the comparisons of it in which a real model ran, the largest gain first.

    ``most`` is how large the largest effect is, with its ``interval``, ``where`` it was seen, ``counted`` how often
    which effect was.
    """

    heading: str
    most: str
    interval: str = ""
    where: str
    counted: str
    effect: Effect
    lines: list[ComparisonLine]


class FirstScreen(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is compared first: by ``topics`` where a real model ran, ``unmodelled`` where none did."""

    topics: list[OpeningCard]
    unmodelled: list[ComparisonLine]
    missing: list[str]

    @property
    def empty(self) -> bool:
        """Whether none of the comparisons was measured."""
        return not self.unmodelled and not any(topic.lines for topic in self.topics)


class _Found(NamedTuple):
    """A comparison that was measured, and the line that tells it."""

    line: ComparisonLine
    metric: Metric
    comparison: Comparison


def opening(rows: Sequence[MeasuredComparison], studies: Sequence[str]) -> FirstScreen:
    """Return how a report of a run with these ``studies`` opens, of its key comparisons, the `surest`."""
    places = {id(row): where for row, where in zip(rows, _places(rows), strict=True)}
    found = [
        _Found(_line(row, row.comparison, places[id(row)]), row.metric, row.comparison)
        for row in surest(rows)
        if row.comparison is not None
    ]
    modelled = [one for one in found if effects.ran_model(one.comparison)]
    others = [one for one in found if not effects.ran_model(one.comparison)]
    by_topic: dict[str, list[_Found]] = {heading: [] for heading in (RESPONSE, THROUGHPUT, MEMORY, RIGHTLY)}
    for one in modelled:
        by_topic.setdefault(_topic(one.metric), []).append(one)
    return FirstScreen(
        topics=[_told(heading, mine) for heading, mine in by_topic.items()],
        unmodelled=_lines(others),
        missing=[
            text.plain(f"{places[id(row)]}: {effects.title(row.metric)}")
            for row in rows
            if row.comparison is None and row.key.study in studies
        ],
    )


def _topic(metric: Metric) -> str:
    """Return what a user would notice of a metric."""
    for topic, beginnings in _BEGINNINGS.items():
        if metric.name.startswith(beginnings):
            return topic
    return _UNITS.get(metric.unit, _REST)


def _told(heading: str, found: Sequence[_Found]) -> OpeningCard:
    """Return a topic: of its effects the largest gain, or else the largest harm, is told first."""
    lines = _lines(found)
    first = next((line for line in lines if line.effect in (Effect.HELPS, Effect.HURTS)), None)
    if first is None:
        return OpeningCard(
            heading=heading,
            most=_nothing(found),
            where="",
            counted=_counted(lines),
            effect=Effect.SAME if lines and all(line.effect is Effect.SAME for line in lines) else Effect.UNKNOWN,
            lines=lines,
        )
    told = next(one for one in found if one.line is first)
    most, _, rest = effects.times(told.metric, told.comparison).partition(" (")
    return OpeningCard(
        heading=heading,
        most=most,
        interval=rest.rstrip(")"),
        where=f"{first.where}: {effects.title(told.metric)}",
        counted=_counted(lines),
        effect=first.effect,
        lines=lines,
    )


def _nothing(found: Sequence[_Found]) -> str:
    """Say that no comparison shows an effect, and why."""
    conclusions = {one.comparison.conclusion for one in found}
    if not conclusions:
        return "not measured"
    if conclusions == {Conclusion.SAME}:
        return "no difference"
    return "too few blocks to tell" if Conclusion.INDICATIVE in conclusions else "no difference that could be told"


def _counted(lines: Sequence[ComparisonLine]) -> str:
    """Return of how many comparisons how many help, hurt, do not matter, or are not known; empty where there is one."""
    counts = Counter(line.effect for line in lines)
    words = {
        Effect.HELPS: ("helps", "help"),
        Effect.HURTS: ("hurts", "hurt"),
        Effect.SAME: ("does not matter", "do not matter"),
        Effect.UNKNOWN: ("cannot be told", "cannot be told"),
    }
    counted = [f"{counts[each]} {words[each][counts[each] > 1]}" for each in Effect if counts[each]]
    return f"of {len(lines)} comparisons {', '.join(counted)}" if len(lines) > 1 else ""


def _lines(found: Sequence[_Found]) -> list[ComparisonLine]:
    """Return the lines, gains first, and of each effect the largest first."""
    order = list(Effect)
    return [
        one.line for one in sorted(found, key=lambda one: (order.index(one.line.effect), -effects.size(one.comparison)))
    ]


def _places(rows: Sequence[MeasuredComparison]) -> list[str]:
    """Return each row's title by itself: one that is "the same" as the row before says what that was."""
    places, before = [], ""
    for row in rows:
        title = row.key.title
        if title.startswith(_SAME):
            title = title.replace(_SAME, before, 1)
        else:
            before = title
        places.append(row.called(title))
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


def _line(row: MeasuredComparison, comparison: Comparison, where: str) -> ComparisonLine:
    key = row.key
    before, after = (headline.shown(value, row.metric) for value in (row.reference, row.subject))
    ratio = effects.times(row.metric, comparison)
    named = effects.title(row.metric)
    effect = effects.effect(comparison)
    return ComparisonLine(
        where=text.plain(where),
        effect=effect,
        sign=effects.SIGNS[effect],
        conclusion=str(comparison.conclusion),
        much=f"{ratio} in {named}" if ratio else named,
        values=text.plain(f"{before} ({key.reference}) → {after} ({key.subject})"),
        sure=_sure(comparison),
        evidence=(row.run, key.study),
    )


def _sure(comparison: Comparison) -> str:
    """Return what the conclusion rests on: blocks, the noise between equals, why it is open, and what else to know."""
    summary = comparison.summary
    blocks = 0 if summary is None else summary.blocks
    interval = summary is not None and summary.low is not None
    ends = "the wider of two 95 % intervals on either side" if interval else "range of the blocks"
    parts = [f"{ends}, {_complete(blocks)}"]
    if comparison.pair.floor:
        parts.append(f"equals differ by up to {text.floor(comparison.pair.floor)}")
    if effects.means_nothing(comparison):
        parts.append("the model's weights are random")
    if comparison.why:
        parts.append(comparison.why)
    if comparison.needs:
        parts.append(text.more_blocks(comparison.needs - blocks))
    return text.plain("; ".join([*parts, *comparison.caveats]))


def _complete(blocks: int) -> str:
    return f"{blocks} complete block{'s' if blocks != 1 else ''}"
