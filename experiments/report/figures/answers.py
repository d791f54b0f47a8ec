"""The answers of a run in one picture: how much better or worse each comparison came out, and how sure we are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from experiments.analysis.findings import Answer
from experiments.report import drawing, text
from experiments.report.answers import Answered
from experiments.report.drawing import Drawn

_LOOKS = {
    Answer.HELPS: ("#009E73", "o", "helps", "help"),
    Answer.HURTS: ("#D55E00", "X", "hurts", "hurt"),
    Answer.SAME: ("#0072B2", "s", "makes no difference", "make no difference"),
    Answer.OPEN: ("#6b6b6b", "D", "cannot be told", "cannot be told"),
    Answer.UNEVEN: ("#6b6b6b", "v", "gets no verdict", "get no verdict"),
    Answer.INDICATIVE: ("#000000", "|", "is only indicative", "are only indicative"),
}


def draw(rows: Sequence[Answered]) -> Drawn:
    """Return one figure with a line an answer: the factor by which it is better, its interval and the noise floor."""
    counts = Counter(one.judged.answer for one in rows)
    said = ", ".join(
        f"{counts[answer]} {one if counts[answer] == 1 else many}"
        for answer, (_, _, one, many) in _LOOKS.items()
        if counts[answer]
    )
    title = f"Of {len(rows)} comparisons {said}"
    figure, [axes] = drawing.canvas(title, height=1.4 + 0.33 * len(rows))
    for place, one in enumerate(rows):
        # A ratio below 1 is a gain where less is better: turned round, so that the right side is always the better.
        sign = -1.0 if one.metric.better == "lower" else 1.0
        ratio, floor, said = one.judged.ratio, one.judged.pair.floor, one.judged.answer
        ends = (ratio.low, ratio.high) if ratio.low is not None and ratio.high is not None else (
            ratio.smallest, ratio.largest
        )  # fmt: skip
        low, high = sorted(end**sign for end in ends)
        color, marker, *_ = _LOOKS[said]
        if floor:
            axes.fill_between(
                [math.exp(-floor), math.exp(floor)], place - 0.4, place + 0.4, color="#d9d9d9", linewidth=0,
                label="noise floor: equals differ by as much",
            )  # fmt: skip
        axes.plot([low, high], [place, place], color=color, linewidth=1.6)
        axes.plot([ratio.geometric_mean**sign], [place], color=color, marker=marker, linestyle="none", label=str(said))
    axes.axvline(1.0, color="#000000", linewidth=0.8)
    axes.set_yticks(
        range(len(rows)), [f"{text.plain(one.line.title)}:\n{one.metric.title.lower()}" for one in rows], fontsize=7
    )
    axes.invert_yaxis()
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("times better than the traditional way (left of 1: worse)")
    blocks = {one.judged.ratio.blocks for one in rows}
    note = "lines are 95 % intervals" if all(one.judged.ratio.low is not None for one in rows) else (
        "lines run from the smallest to the largest block where blocks are too few for an interval"
    )  # fmt: skip
    alt = f"{title}. A line a comparison, with its interval, on a logarithmic axis around 1."
    return drawing.finish(figure, "answers", title, alt, [f"{min(blocks)} to {max(blocks)} blocks; {note}"])
