"""Saving: how long the loop stands still over rates, what an end loses, and what a summary does to a file."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from experiments.analysis import claims
from experiments.analysis.frames import where
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_SUBJECTS = {
    "in-loop": "in the event loop",
    "thread": "on threads, awaited",
    "thread-listed": "on threads, as listed",
    "queued": "one queued writer",
}
"""Subjects in words, in the order in which they are shown."""

_ENDINGS = {"turns_lost_at_exit": ("at a normal exit", "-"), "turns_lost_at_kill": ("at kill -9", ":")}
_LISTED, _OURS = "thread-listed", "queued"
_SPREAD = 0.07  # of a decade lies between neighbours at one rate

_AFTER_SUMMARY = (
    ("rows_saved_after_summary", "messages in the file, of those\nafter the first summary (%)", 100.0),
    ("summary_holes", "holes: missing messages\nwith a later one there", 1.0),
    ("restart_doubles", "messages beside their\nsummary after a restart", 1.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``saving``, as far as there are records."""
    return [*_over_rates(scene), *_after_summary(scene)]


def _over_rates(scene: Scene) -> list[Drawn]:
    delays = where(scene.measured("loop_delay_max", part="saving"), case=None)
    if delays.empty:
        return []
    lost = {metric: where(scene.measured(metric, part="saving"), case=None) for metric in _ENDINGS}
    title = _title(delays, lost)
    figure, (left, right) = drawing.canvas(title, 2, height=4.4)
    for place, (name, label) in enumerate(_SUBJECTS.items()):
        mine = delays[delays["subject"] == name]
        _line(left, place, mine, mine["value"] * 1000, label)
        for metric, (_, style) in _ENDINGS.items():
            mine = lost[metric][lost[metric]["subject"] == name]
            _line(right, place, mine, mine["value"], None, style)
    claim = claims.get("S3-nonblocking")
    if claim.at_most is not None:
        most = claim.at_most * 1000
        drawing.ends(left, claim, most, most, f"claimed: never longer than {most:g} ms", "y")
    drawing.logarithmic(left, "x", "y")
    drawing.logarithmic(right, "x")
    right.set_yscale("symlog", linthresh=1)
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.set_ylim(bottom=-0.2)
    rates = sorted({float(rate) for rate in factor(delays, "turns_per_s")})
    for axes in (left, right):
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
        axes.set_xlabel("turns a second")
    left.set_ylabel("longest delay of the event loop (ms)")
    right.set_ylabel("acknowledged turns lost, a trial")
    for words, style in _ENDINGS.values():
        right.plot([], [], color=drawing.GREY, linestyle=style, label=f"lost {words}")
    alt = (
        f"{title}. Left the longest delay of the event loop over the rate of turns, right the acknowledged turns that "
        "are not in the file after a normal exit and after kill -9, a line a pattern of saving."
    )
    notes = ["points: blocks; bars: 95 % intervals, of fewer than six blocks the range", *scene.notes(delays)]
    return [drawing.finish(figure, "research-saving", title, alt, notes, _table(delays, lost))]


def _title(delays: pd.DataFrame, lost: dict[str, pd.DataFrame]) -> str:
    """Say how much the listing loses at each ending, and what the queued writer does at the highest rate."""
    at_exit, at_kill = (_mean(lost[metric], _LISTED) for metric in _ENDINGS)
    rate = factor(delays, "turns_per_s").max()
    mine = delays[(factor(delays, "turns_per_s") == rate) & (delays["subject"] == _OURS)]["value"]
    ours = sum(_mean(frame, _OURS) or 0.0 for frame in lost.values())
    told = [
        f"As listed, a trial loses {text.significant(at_exit, 2)} acknowledged turns at its exit and "
        f"{text.significant(at_kill, 2)} when killed"
        if at_exit is not None and at_kill is not None
        else "",
        f"a queued writer loses {text.significant(ours, 2) if ours else 'none'} and holds the loop for "
        f"{text.quantity(float(mine.mean()), 's')} at most at {rate} turns/s"
        if len(mine)
        else "",
    ]
    return "; ".join(filter(None, told)) or "The longest delay of the event loop while turns are saved"


def _mean(frame: pd.DataFrame, subject: str) -> float | None:
    values = frame[frame["subject"] == subject]["value"]
    return float(values.mean()) if len(values) else None


def _line(
    axes: Axes, place: int, rows: pd.DataFrame, values: pd.Series[float], label: str | None, style: str = "-"
) -> None:
    """Draw the mean over blocks at each rate with its interval, beside those of the other subjects."""
    if rows.empty:
        return
    shift = 10 ** (_SPREAD * (place - (len(_SUBJECTS) - 1) / 2))
    over = factor(rows, "turns_per_s").astype(float) * shift
    look = drawing.look(place)
    axes.plot(over, values, linestyle="none", markersize=3.5, alpha=0.3, **look)
    means = values.groupby(over).mean()
    axes.plot(
        means.index, means, linewidth=1.3, linestyle=style, markersize=5.5, markeredgecolor="white",
        label=label or "_", **look,
    )  # fmt: skip
    for at, some in values.groupby(over):
        axes.plot([at, at], interval(some), marker="", linewidth=1.6, color=look["color"], solid_capstyle="butt")


def _table(delays: pd.DataFrame, lost: dict[str, pd.DataFrame]) -> list[tuple[str, ...]]:
    heading = ("turns a second", "saved", "longest delay of the loop (ms)", "lost at exit", "lost at kill -9")
    rows: list[tuple[str, ...]] = [heading]
    for rate in sorted({float(rate) for rate in factor(delays, "turns_per_s")}):
        for name, label in _SUBJECTS.items():
            cells = []
            for frame, scale in ((delays, 1000.0), *((each, 1.0) for each in lost.values())):
                here = frame[(factor(frame, "turns_per_s") == rate) & (frame["subject"] == name)]["value"]
                cells.append(text.significant(scale * float(here.mean()), 3) if len(here) else "")
            if any(cells):
                rows.append((f"{rate:g}", label, *cells))
    return rows


def _after_summary(scene: Scene) -> list[Drawn]:
    measured = {metric: scene.measured(metric, part="saving", case="summary") for metric, *_ in _AFTER_SUMMARY}
    first = measured["rows_saved_after_summary"]
    if first.empty:
        return []
    subjects = [name for name in _SUBJECTS if name in set(first["subject"])]
    means = first.groupby("subject")["value"].mean()
    told = ", ".join(f"{text.share(means[name]) if means[name] else 'none'} ({_SUBJECTS[name]})" for name in subjects)
    title = f"Of the messages said after the first summary, the file has {told}"
    figure, panels = drawing.canvas(title, len(_AFTER_SUMMARY), height=3.3, sharey=True)
    shown: dict[str, list[str]] = {name: [] for name in subjects}
    for axes, (metric, label, scale) in zip(panels, _AFTER_SUMMARY, strict=True):
        rows = measured[metric]
        for place, name in enumerate(subjects):
            values = scale * rows.loc[rows["subject"] == name, "value"]
            look = drawing.look(list(_SUBJECTS).index(name))
            axes.plot(values, [place] * len(values), linestyle="none", alpha=0.5, markersize=5, clip_on=False, **look)
            middle = float(np.median(values)) if len(values) else float("nan")
            axes.plot([middle] * 2, [place - 0.25, place + 0.25], color=look["color"], linewidth=2)
            shown[name].append(text.significant(middle, 3))
        axes.set_yticks(range(len(subjects)), [_SUBJECTS[name] for name in subjects])
        axes.set_ylim(len(subjects) - 0.5, -0.5)
        axes.set_xlim(0, 103 if scale > 1 else max(1.0, 1.05 * float(rows["value"].max())))
        axes.set_xlabel(label)
    data = [("saved", *(label.replace("\n", " ") for _, label, _ in _AFTER_SUMMARY))]
    data += [(_SUBJECTS[name], *values) for name, values in shown.items()]
    turns = factor(first, "turns").iloc[0]
    alt = f"{title}. Messages saved, holes, and messages doubled after a restart, a point a trial, by pattern."
    notes = [f"a conversation of {turns} turns; a point a trial, the bar their median", *scene.notes(first)]
    return [drawing.finish(figure, "research-saving-summary", title, alt, notes, data)]
