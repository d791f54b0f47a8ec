"""The key comparisons of a run in one picture: how much better or worse each came out, and how sure that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments.analysis.conclusions import Conclusion
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.key_comparisons import MeasuredComparison

_LOOKS = {
    Conclusion.HELPS: ("#009E73", "o", "helps", "help"),
    Conclusion.HURTS: ("#D55E00", "X", "hurts", "hurt"),
    Conclusion.SAME: ("#0072B2", "s", "makes no difference", "make no difference"),
    Conclusion.OPEN: ("#6b6b6b", "D", "cannot be told", "cannot be told"),
    Conclusion.UNEVEN: ("#6b6b6b", "v", "gets no verdict", "get no verdict"),
    Conclusion.INDICATIVE: ("#000000", "|", "is only indicative", "are only indicative"),
}


def draw(rows: Sequence[MeasuredComparison]) -> Drawn:
    """Return one figure with a line a comparison: the factor by which it is better, its interval, the noise floor."""
    counts = Counter(row.comparison.conclusion for row in rows)
    counted = ", ".join(
        f"{counts[conclusion]} {singular if counts[conclusion] == 1 else plural}"
        for conclusion, (_, _, singular, plural) in _LOOKS.items()
        if counts[conclusion]
    )
    title = f"Of {len(rows)} comparisons {counted}"
    figure, [axes] = drawing.canvas(title, height=1.4 + 0.33 * len(rows))
    for place, row in enumerate(rows):
        _row(axes, place, row)
    axes.axvline(1.0, color="#000000", linewidth=0.8)
    axes.set_yticks(
        range(len(rows)), [f"{text.plain(row.key.title)}:\n{row.metric.title.lower()}" for row in rows], fontsize=7
    )
    axes.invert_yaxis()
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("times better than the traditional way (left of 1: worse)")
    blocks = {row.comparison.summary.blocks for row in rows}
    note = "lines run from the smallest to the largest block where blocks are too few for an interval"
    if all(row.comparison.summary.low is not None for row in rows):
        note = "lines are 95 % intervals"
    alt = f"{title}. A line a comparison, with its interval, on a logarithmic axis around 1."
    # The file keeps its name: published pages show it under that address.
    return drawing.finish(figure, "answers", title, alt, [f"{min(blocks)} to {max(blocks)} blocks; {note}"])


def _row(axes: Axes, place: int, row: MeasuredComparison) -> None:
    # A ratio below 1 is a gain where less is better: turned round, so that the right side is always the better.
    sign = -1.0 if row.metric.better == "lower" else 1.0
    summary, floor, conclusion = row.comparison.summary, row.comparison.pair.floor, row.comparison.conclusion
    low, high = summary.low, summary.high
    if low is None or high is None:
        low, high = summary.smallest, summary.largest
    color, marker, *_ = _LOOKS[conclusion]
    if floor:
        axes.fill_between(
            [math.exp(-floor), math.exp(floor)], place - 0.4, place + 0.4, color="#d9d9d9", linewidth=0,
            label="noise floor: equals differ by as much",
        )  # fmt: skip
    axes.plot(sorted([low**sign, high**sign]), [place, place], color=color, linewidth=1.6)
    axes.plot(
        [summary.geometric_mean**sign], [place], color=color, marker=marker, linestyle="none", label=str(conclusion)
    )
