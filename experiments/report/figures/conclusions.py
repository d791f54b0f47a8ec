"""The key comparisons of a run in one picture: how much better or worse each came out, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from experiments.analysis.comparisons import Comparison
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.scales import ratio
from experiments.analysis.work import UNEQUAL
from experiments.report import drawing, effects, text
from experiments.report.drawing import Drawn
from experiments.report.key_comparisons import MeasuredComparison

_LOOKS = {
    Conclusion.HELPS: ("#009E73", "o", "helps", "help"),
    Conclusion.HURTS: ("#D55E00", "X", "hurts", "hurt"),
    Conclusion.SAME: ("#0072B2", "s", "makes no difference", "make no difference"),
    Conclusion.BELOW: ("#56B4E9", "P", "is smaller than the noise floor", "are smaller than the noise floor"),
    Conclusion.OPEN: ("#6b6b6b", "D", "cannot be told", "cannot be told"),
    Conclusion.NONE: ("#6b6b6b", "v", "gets no verdict", "get no verdict"),
    Conclusion.INDICATIVE: ("#000000", "|", "is only indicative", "are only indicative"),
}
_TITLE = "How many times better or worse each design came out"

_Row = tuple[MeasuredComparison, Comparison]


def draw(measured: Sequence[MeasuredComparison]) -> list[Drawn]:
    """Return one figure with a line a comparison: the factor by which it is better, its interval, the noise floor.

    Those in which no real language model ran stand below the others, on grey, with hollow marks. None where nothing was
    measured. Comparisons without a complete pair have a line without a mark.
    """
    every = [(row, row.comparison) for row in measured if row.comparison is not None]
    if not every:
        return []
    modelled = [row for row in every if effects.ran_model(row[1])]
    others = [row for row in every if not effects.ran_model(row[1])]
    rows = [*modelled, *others]
    told = [(f"{word} a real model", some) for word, some in (("with", modelled), ("without", others)) if some]
    title = f"{_TITLE}, {'with a real model and without one' if modelled and others else told[0][0]}"
    figure, [axes] = drawing.canvas(title, height=1.6 + 0.33 * len(rows))
    for place, (row, comparison) in enumerate(rows):
        _row(axes, place, row, comparison, hollow=place >= len(modelled))
    if others:
        label = "no real language model ran: marks are hollow"
        axes.axhspan(len(modelled) - 0.5, len(rows) - 0.5, color="#f1f1f1", zorder=0, linewidth=0, label=label)
    axes.axvline(1.0, color="#000000", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_name(row, comparison) for row, comparison in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("times better than the reference\n(left of 1: worse)")
    summaries = [comparison.summary for _, comparison in rows]
    blocks = {0 if summary is None else summary.blocks for summary in summaries}
    note = "thick lines are 95 % intervals of the mean, thin ones robust intervals"
    if not all(summary is not None and summary.low is not None for summary in summaries):
        note += "; below six blocks thick lines run from the smallest to the largest"
    counted = [f"{words} {_counted(some)}" for words, some in told]
    alt = f"{title}: {'; '.join(counted)}. A line a comparison, with its interval, on a logarithmic axis around 1."
    # The file keeps its name: published pages show it under that address.
    notes = [*counted, f"{min(blocks)} to {max(blocks)} complete blocks; {note}"]
    if any(_unequal(comparison) for _, comparison in rows):
        notes.append("* the two did not do equal work: see the table")
    return [drawing.finish(figure, "answers", title, alt, notes)]


def _counted(rows: Sequence[_Row]) -> str:
    """Return how often each conclusion was drawn, in words."""
    counts = Counter(comparison.conclusion for _, comparison in rows)
    return f"of {len(rows)} comparisons " + ", ".join(
        f"{counts[conclusion]} {singular if counts[conclusion] == 1 else plural}"
        for conclusion, (_, _, singular, plural) in _LOOKS.items()
        if counts[conclusion]
    )


def _unequal(comparison: Comparison) -> bool:
    return any(sentence.startswith(UNEQUAL) for sentence in comparison.caveats)


def _name(row: MeasuredComparison, comparison: Comparison) -> str:
    mark = " *" if _unequal(comparison) else ""
    return f"{text.plain(row.title)}:\n{row.metric.title.lower()}{mark}"


def _row(axes: Axes, place: int, row: MeasuredComparison, comparison: Comparison, *, hollow: bool) -> None:
    # A ratio below 1 is a gain where less is better: turned round, so that the right side is always the better.
    sign = -1.0 if row.metric.better == "lower" else 1.0
    summary, floor, conclusion = comparison.summary, comparison.pair.floor, comparison.conclusion
    if summary is None:
        return
    low, high = summary.low, summary.high
    if low is None or high is None:
        low, high = summary.smallest, summary.largest
    color, marker, *_ = _LOOKS[conclusion]
    if floor:
        axes.fill_between(
            [ratio(-floor), ratio(floor)], place - 0.4, place + 0.4, color="#d0d0d0", linewidth=0,
            label="noise floor: equals differ by as much",
        )  # fmt: skip
    axes.plot(sorted([low**sign, high**sign]), [place, place], color=color, linewidth=1.6)
    if summary.robust_low is not None and summary.robust_high is not None:
        robust = sorted([summary.robust_low**sign, summary.robust_high**sign])
        axes.plot(robust, [place + 0.28, place + 0.28], color=color, linewidth=0.8)
    look: dict[str, Any] = {"markerfacecolor": "white"} if hollow else {}
    axes.plot(
        [summary.geometric_mean**sign], [place],
        color=color, marker=marker, linestyle="none", label=str(conclusion), **look,
    )  # fmt: skip
