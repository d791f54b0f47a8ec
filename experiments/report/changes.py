"""What changed between two runs, in words: for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from experiments import metrics
from experiments.analysis.between import Change, Changes
from experiments.analysis.findings import Answer
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import text

HEADINGS = {Answer.HURTS: "Regressions", Answer.HELPS: "Gains"}


def verdict(found: Changes) -> str:
    """Return the comparison in one sentence."""
    if not found.changes:
        return "The runs have no measure in common: nothing was compared."
    counted = {said: len(found.of(said)) for said in Answer}
    if counted[Answer.INDICATIVE] == len(found.changes):
        return f"Nothing can be judged: fewer than {ENOUGH_BLOCKS} blocks in one of the runs."
    lost = f", {len(found.lost)} lost more trials" if found.lost else ""
    return (
        f"Of {len(found.changes)} measures {counted[Answer.HURTS]} got worse, {counted[Answer.HELPS]} better, "
        f"{counted[Answer.SAME]} stayed, {counted[Answer.OPEN] + counted[Answer.INDICATIVE]} cannot be told{lost}."
    )


def about(found: Changes) -> Iterator[str]:
    """Yield what must be said beside the tables."""
    if found.software:
        yield f"Changed between them: {', '.join(found.software)}."
    if found.alone:
        yield f"{found.alone} measures are in only one of the runs."
    yield "Ratios are the second run over the first, block by block, with 95 % intervals, judged together."


def cells(one: Change) -> tuple[str, ...]:
    """Return a change as the cells of a row."""
    metric = metrics.get(one.metric)
    return (
        text.plain(f"{one.study}: {one.condition}"),
        text.plain(one.subject),
        metric.title.lower(),
        text.quantity(one.before, metric.unit),
        text.quantity(one.after, metric.unit),
        text.interval(one.judged.ratio.geometric_mean, one.judged.ratio.low, one.judged.ratio.high),
        text.floor(one.judged.pair.floor),
    )


Row = tuple[str, ...]
COLUMNS = ("where", "who", "measure", "before", "after", "ratio", "noise")
LOST = ("where", "who", "lost before", "lost after")


def tables(found: Changes) -> Iterator[tuple[str, Row, list[Row]]]:
    """Yield the tables that are not empty: a heading, the columns, the rows."""
    if found.lost:
        rows: list[Row] = [
            (text.plain(f"{one.study}: {one.condition}"), text.plain(one.subject), one.before, one.after)
            for one in found.lost
        ]
        yield "Lost trials", LOST, rows
    for said, heading in HEADINGS.items():
        if changed := found.of(said):
            yield heading, COLUMNS, [cells(one) for one in changed]


def markdown(found: Changes) -> str:
    """Return the comparison as Markdown."""
    parts = [f"**{verdict(found)}**", *about(found)]
    for heading, columns, rows in tables(found):
        lines = [f"| {' | '.join(each)} |" for each in (columns, ["---"] * len(columns), *map(_escaped, rows))]
        parts += [f"### {heading}", "\n".join(lines)]
    return "\n\n".join(parts)


def _escaped(cells_: tuple[str, ...]) -> list[str]:
    return [cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells_]
