"""Model choice: the share of right answers over the time to an answer, a point a way of choosing."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_PART, _LARGE, _RULE = "model-choice", "large-model", "by-rule"


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part, a panel a share of plain questions, as far as there are records."""
    right, times = (scene.measured(name, part=_PART) for name in ("choice_right", "choice_time"))
    if right.empty or times.empty:
        return []
    shares = sorted({float(share) for share in factor(right, "plain")})
    title = _title(right, times)
    figure, panels = drawing.canvas(title, len(shares), sharey=True, height=4.0)
    subjects = scene.subjects(right["subject"])
    for axes, share in zip(panels, shares, strict=True):
        for place, subject in enumerate(subjects):
            mine, its = (
                frame[(frame["subject"] == subject) & (factor(frame, "plain") == share)]["value"] * scale
                for frame, scale in ((right, 100.0), (times, 1_000.0))
            )
            if mine.empty or its.empty:
                continue
            look = drawing.look(place)
            axes.plot(interval(its), [mine.mean()] * 2, marker="", linewidth=1.4, color=look["color"])
            axes.plot([its.mean()] * 2, interval(mine), marker="", linewidth=1.4, color=look["color"])
            axes.plot(
                [its.mean()], [mine.mean()], linestyle="none", markersize=7, markeredgecolor="white",
                label=text.plain(subject), **look,
            )  # fmt: skip
        axes.set_title(f"{text.share(share)} plain questions")
        axes.set_xlabel("time to an answer, mean (ms)")
        drawing.logarithmic(axes, "x")
    panels[0].set_ylabel("right answers (%)")
    panels[0].set_ylim(-2, 102)
    alt = f"{title}. Right answers over the mean time to an answer, a point a way of choosing the model."
    notes = [
        *scene.notes(right),
        "points: means of the blocks; lines: 95 % intervals, of fewer than six blocks the range",
    ]
    return [drawing.finish(figure, "strategies-model-choice", title, alt, notes)]


def _title(right: pd.DataFrame, times: pd.DataFrame) -> str:
    """Return what the rule brings against the large model alone, over all conditions."""
    answers, seconds = (frame.groupby("subject")["value"].mean() for frame in (right, times))
    if not {_LARGE, _RULE} <= set(answers.index) & set(seconds.index):
        return "Right answers over the time to an answer, by the way a model is chosen"
    return (
        f"A rule answers {text.share(answers[_RULE])} rightly in {text.quantity(seconds[_RULE], 's')}, the large model "
        f"alone {text.share(answers[_LARGE])} in {text.quantity(seconds[_LARGE], 's')}"
    )
