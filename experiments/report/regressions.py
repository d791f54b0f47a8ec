"""What changed between two runs, in words: for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments import metrics
from experiments.analysis.conclusions import UNDECIDED, Conclusion
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.regressions import REQUESTS, Change, Losses, RunComparison
from experiments.analysis.work import UNEQUAL
from experiments.report import text

Row = tuple[str, ...]

_CHANGED = ("where", "subject", "measure", "before", "after", "ratio", "noise")
_INDICATIVE = ("where", "subject", "measure", "before", "after", "median ratio", "range of the blocks")
_LOST = ("where", "subject", "what", "lost before", "lost after")
_HEADINGS = {
    Conclusion.HURTS: "Regressions",
    Conclusion.HELPS: "Gains",
    Conclusion.BELOW: "Smaller than the noise floor",
}
_MOST_INDICATIVE = 40  # of a whole quick run there are hundreds, most of them noise


def summary(compared: RunComparison) -> str:
    """Return the comparison of two runs in one sentence."""
    if not compared.changes and not compared.lost:
        return "The runs have no measure in common: nothing was compared."
    counts = {conclusion: len(compared.concluding(conclusion)) for conclusion in Conclusion}
    untold = sum(counts[conclusion] for conclusion in UNDECIDED)
    lost = f", {len(compared.lost)} lost trials or values" if compared.lost else ""
    if counts[Conclusion.INDICATIVE] == len(compared.changes):
        return (
            f"Nothing can be judged: fewer than {ENOUGH_BLOCKS} blocks in one of the runs. The ratios of "
            f"{len(compared.changes)} measures are indicative{lost}."
        )
    return (
        f"Of {len(compared.changes)} measures {counts[Conclusion.HURTS]} got worse, {counts[Conclusion.HELPS]} better, "
        f"{counts[Conclusion.SAME]} stayed, {counts[Conclusion.BELOW]} changed by less than the noise floor, {untold} "
        "cannot be told"
        f"{lost}."
    )


def notes(compared: RunComparison) -> Iterator[str]:
    """Yield the sentences that stand beside the tables."""
    if compared.software:
        yield f"Changed between them: {', '.join(compared.software)}."
    if compared.studies_in_one:
        yield f"Only in one of the folders: {', '.join(compared.studies_in_one)}."
    if compared.only_in_one:
        yield f"{compared.only_in_one} measures are in only one of the runs."
    unequal = [change for change in compared.changes if any(map(_is_unequal, change.comparison.caveats))]
    if unequal:
        sentence = next(filter(_is_unequal, unequal[0].comparison.caveats))
        where = ", ".join(_place(unequal[0]))
        yield f"In {len(unequal)} measures the model did not do equal work. The first, {where}: {sentence}."
    indicative, differing = len(compared.concluding(Conclusion.INDICATIVE)), len(_indicative_changes(compared))
    if differing < indicative:
        yield f"Indicative ratios that are 1 in every block, and not shown: {indicative - differing}."
    if differing > _MOST_INDICATIVE:
        yield (
            f"Of {differing} indicative ratios that differ from 1 {_MOST_INDICATIVE} are shown: first those whose "
            "blocks lie on one side of 1, the farthest from 1 first."
        )
    if indicative < len(compared.changes):
        yield "Ratios are the second run over the first, block by block, with 95 % intervals, judged together."
    else:
        yield "Ratios are the second run over the first, block by block."


def tables(compared: RunComparison) -> Iterator[tuple[str, Row, list[Row]]]:
    """Yield the tables that are not empty: a heading, the columns, the rows."""
    if compared.lost:
        yield "Lost", _LOST, [(*_place(lost), _measure(lost), lost.before, lost.after) for lost in compared.lost]
    for conclusion, heading in _HEADINGS.items():
        changes = compared.concluding(conclusion)
        if changes:
            yield heading, _CHANGED, [_changed(change) for change in changes]
    indicative = _indicative_changes(compared)
    if indicative:
        heading = f"Indicative: fewer than {ENOUGH_BLOCKS} blocks"
        yield heading, _INDICATIVE, [_indicative(change) for change in indicative[:_MOST_INDICATIVE]]


def markdown(compared: RunComparison) -> str:
    """Return the comparison as Markdown."""
    parts = [f"**{summary(compared)}**", *notes(compared)]
    for heading, columns, rows in tables(compared):
        lines = [f"| {' | '.join(each)} |" for each in (columns, ["---"] * len(columns), *map(_escaped, rows))]
        parts += [f"### {heading}", "\n".join(lines)]
    return "\n\n".join(parts)


def _indicative_changes(compared: RunComparison) -> list[Change]:
    """Return the indicative changes that are not 1 in every block: first those on whose side of 1 all blocks agree."""
    ratios = [
        (summary, change)
        for change in compared.concluding(Conclusion.INDICATIVE)
        if (summary := change.comparison.summary) and (summary.smallest != 1 or summary.largest != 1)
    ]
    agreeing = [change for summary, change in ratios if not summary.smallest <= 1 <= summary.largest]
    others = [change for summary, change in ratios if summary.smallest <= 1 <= summary.largest]
    return [*agreeing, *others]


def _is_unequal(sentence: str) -> bool:
    return sentence.startswith(UNEQUAL)


def _measure(lost: Losses) -> str:
    if lost.measure in ("", REQUESTS):
        return lost.measure or "trials"
    return metrics.get(lost.measure).title.lower()


def _place(one: Change | Losses) -> Row:
    return text.plain(f"{one.study}: {one.condition}"), text.plain(one.subject)


def _measured(change: Change) -> Row:
    metric = metrics.get(change.metric)
    before, after = (text.quantity(value, metric.unit) for value in (change.before, change.after))
    return (*_place(change), metric.title.lower(), before, after)


def _changed(change: Change) -> Row:
    ratios = change.comparison.summary
    assert ratios is not None  # without one there is no such conclusion
    ratio = text.interval(ratios.geometric_mean, ratios.low, ratios.high)
    return (*_measured(change), ratio, text.floor(change.comparison.pair.floor))


def _indicative(change: Change) -> Row:
    ratios = change.comparison.summary
    assert ratios is not None
    span = f"{text.significant(ratios.smallest)} … {text.significant(ratios.largest)}"
    blocks = f"{ratios.blocks} block{'s' if ratios.blocks != 1 else ''}"
    return (
        *_measured(change),
        f"× {text.significant(change.median_ratio)}",
        f"{span}, {blocks}" if ratios.blocks > 1 else blocks,
    )


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in row]
