"""The whole agent: time to an answer with every pattern naive, with none, with each; and how answers were graded."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_PART, _TWIN, _ALL = "pipeline", "sequential", "all"
_NAMES = {_TWIN: "every pattern naive", _ALL: "the agent"}

# The metric, the panel's axis, and whether it spans decades.
_PANELS = (
    ("latency_p50", "time to an answer (s)", False),
    ("time_to_first_token_p50", "to its first token (s)", False),
    ("loop_delay_max", "longest loop delay (s)", True),
)
_SHARES = {
    "given": "the passage was given",
    "right": "the answer is right",
    "source_right": "its first source is right",
    "source_among": "the right source is among its",
    "cited": "the model cited by itself",
}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of times and the one of answers, as far as there are records."""
    return [*_timed(scene), *_answers(scene)]


def _timed(scene: Scene) -> list[Drawn]:
    frames = [scene.measured(metric, part=_PART, work="timed") for metric, *_ in _PANELS]
    if any(frame.empty for frame in frames):
        return []
    faults = sorted(set(factor(frames[0], "failing")))
    subjects = [name for name in scene.subjects(frames[0]["subject"]) if name not in (_TWIN, _ALL)]
    shown = [name for name in (_TWIN, _ALL) if name in set(frames[0]["subject"])] + subjects
    title = f"{scene.lead(frames[0])}{_told(frames[0])}"
    figure, panels = drawing.canvas(title, len(_PANELS), sharey=True, height=2.4 + 0.34 * len(shown))
    for axes, frame, (_, label, spans) in zip(panels, frames, _PANELS, strict=True):
        for place, failing in enumerate(faults):
            shift = 0.22 * (place - (len(faults) - 1) / 2)
            said = f"{failing} of the pages fail" if failing else "no page fails"
            _points(axes, frame[factor(frame, "failing") == failing], shown, place + 1, shift, said)
        if spans:
            drawing.logarithmic(axes, "x")
            axes.tick_params("x", rotation=45)
        else:
            axes.set_xlim(left=0)
        axes.set_xlabel(label)
    panels[0].set_yticks(range(len(shown)), [_named(name) for name in shown])
    panels[0].set_ylim(len(shown) - 0.5, -0.5)
    alt = f"{title}. Time to an answer and to its first token, and the longest loop delay, a row a subject."
    notes = [*scene.notes(*frames), "lines: 95 % intervals, of fewer than six blocks the range"]
    return [drawing.finish(figure, "research-pipeline", title, alt, notes)]


def _named(subject: str) -> str:
    return _NAMES.get(subject, f"naive {subject.removeprefix(_ALL).removeprefix('-')}")


def _told(frame: pd.DataFrame) -> str:
    plain = frame[factor(frame, "failing") == 0]
    means = plain.groupby("subject")["value"].mean()
    if not {_TWIN, _ALL} <= set(means.index):
        return "Time to an answer, by the patterns of the agent"
    before, after = (text.quantity(means[name], "s") for name in (_TWIN, _ALL))
    return f"An answer takes {after}, with every pattern naive {before}"


def _points(axes: Any, mine: pd.DataFrame, shown: list[str], place: int, shift: float, label: str) -> None:
    """Draw each subject's mean with its interval."""
    look = drawing.look(place)
    at, means = [], []
    for row, subject in enumerate(shown):
        values = mine[mine["subject"] == subject]["value"]
        if values.empty:
            continue
        axes.plot(interval(values), [row + shift] * 2, marker="", linewidth=1.5, color=look["color"])
        at.append(row + shift)
        means.append(values.mean())
    axes.plot(means, at, linestyle="none", markersize=5.5, markeredgecolor="white", label=label, **look)


def _answers(scene: Scene) -> list[Drawn]:
    right = scene.measured("research_right", part=_PART, work="own words")
    if right.empty:
        return []
    records = {record.key: record for record in scene.records}
    subjects = sorted(set(right["subject"]), reverse=True)
    counted: dict[str, dict[str, float]] = {}
    for key, subject in zip(right["key"], right["subject"], strict=True):
        part = records[key].part("subject")
        if part is not None:
            counted[subject] = part.values
    questions = int(max(values["research/questions"] for values in counted.values()))
    best = max(counted.values(), key=lambda values: values["research/right"])
    title = (
        f"Of {questions} questions about the shipped documents {text.share(best['research/right'])} are answered "
        f"rightly, {text.share(best['research/source_right'])} from the right source first"
    )
    figure, [axes] = drawing.canvas(title, height=2.6 + 0.3 * len(_SHARES))
    rows: list[tuple[str, ...]] = [("what", *(f"{subject} (95 % interval)" for subject in subjects))]
    for row, (name, words) in enumerate(_SHARES.items()):
        cells = []
        for place, subject in enumerate(subjects):
            share, total = counted[subject][f"research/{name}"], counted[subject]["research/questions"]
            low, high = wilson(share, int(total))
            look = drawing.look(place + 1)
            height = row + 0.2 * (place - (len(subjects) - 1) / 2)
            label = f"passages ranked by {text.plain(subject)}" if row == 0 else ""
            axes.plot([100 * low, 100 * high], [height] * 2, marker="", linewidth=1.5, color=look["color"])
            axes.plot([100 * share], [height], linestyle="none", markersize=6, label=label or None, **look)
            cells.append(f"{text.share(share)} ({text.share(low)} to {text.share(high)})")
        rows.append((words, *cells))
    axes.set_yticks(range(len(_SHARES)), list(_SHARES.values()))
    axes.set_ylim(len(_SHARES) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("questions (%)")
    alt = f"{title}. Shares of questions, a row a grade, a point a way to rank passages."
    notes = ["lines: 95 % intervals (Wilson) over the questions", *scene.notes(right, timed=False)]
    return [drawing.finish(figure, "research-pipeline-answers", title, alt, notes, rows)]


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of a ``share`` of ``count`` questions."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
