"""Fetching: how long pages take over their number in each pattern, and what each pattern costs beside time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_PART = "fetch"
_REFERENCE, _PATTERN = "sequential", "tasks"
_PLAIN: dict[str, Any] = {"part": _PART, "failing": 0, "within_s": 60.0}
_LABELS = {
    "sequential": "one after another",
    "threads": "threads",
    "tasks": "tasks",
    "one-thread": "one thread beside the loop",
    "threads-6": "six threads",
}
"""Subjects in words, in the order in which they are shown; the place is the colour."""

_Shown = tuple[str, str, dict[str, Any], Callable[[float], float]]
_COSTS: tuple[_Shown, ...] = (
    ("loop_delay_max", "event loop stands still\n(s, the longest)", _PLAIN, float),
    ("fetching_memory", "most anonymous\nmemory (MiB)", _PLAIN, lambda value: value / 2**20),
    ("fetching_cpu", "processor time (s)", _PLAIN, float),
    ("fetching_came", "pages that came\nwithin 1 s (%)", {**_PLAIN, "within_s": 1.0}, lambda value: 100 * value),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``fetch``, as far as there are records."""
    return [*_times(scene), *_costs(scene)]


def _times(scene: Scene) -> list[Drawn]:
    """Draw seconds over the number of pages, and beside them the change against one after another."""
    taken = _apart(scene.measured("fetching_time", **_PLAIN))
    taken = taken[taken["subject"].isin(list(_LABELS)[:3])]
    equal = taken[factor(taken, "delays") == "equal"]
    changes = _changes(taken)
    if equal.empty or changes.empty:
        return []
    title = _title(changes)
    figure, (seconds, shares) = drawing.canvas(title, 2, height=4.4)
    for place, subject in enumerate(_LABELS):
        mine = equal[equal["subject"] == subject]
        if not mine.empty:
            _line(seconds, place, mine["value"], factor(mine, "addresses").astype(float), _LABELS[subject])
        for delays, filled in (("equal", True), ("heavy-tailed", False)):
            some = changes[(changes["subject"] == subject) & (changes["delays"] == delays)]
            if not some.empty:
                label = _LABELS[subject] if filled else f"{_LABELS[subject]}, delays heavy-tailed"
                _line(shares, place, some["change"], some["addresses"], label, filled=filled)
    counts = sorted({float(count) for count in factor(equal, "addresses")})
    best = [100 * (1 / count - 1) for count in counts]
    shares.plot(counts, best, color=drawing.GREY, linewidth=1, linestyle=":", label="all pages in the time of one")
    drawing.band(shares, claims.get("S4-async"))
    drawing.logarithmic(seconds, "x", "y")
    drawing.logarithmic(shares, "x")
    for axes in (seconds, shares):
        axes.set_xticks(counts, [f"{count:g}" for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("pages, each on a host of its own")
    seconds.set_ylabel("time to fetch all (s)")
    shares.set_ylabel("change in time (%)")
    seconds.set_title("delays equal")
    shares.set_title("against one after another")
    alt = f"{title}. Left: seconds over the number of pages, a line a pattern. Right: the change in percent."
    notes = [*scene.notes(taken), "points: means over blocks; bars: 95 % intervals, of fewer than six blocks the range"]
    return [drawing.finish(figure, "research-fetch", title, alt, notes)]


def _apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of pages that share no host."""
    return frame[factor(frame, "hosts") == factor(frame, "addresses")]


def _changes(taken: pd.DataFrame) -> pd.DataFrame:
    """Return the change of each time against that one after another in the same block and condition, in percent."""
    frame = taken.assign(addresses=factor(taken, "addresses").astype(float), delays=factor(taken, "delays"))
    keys = ["condition", "block"]
    before = frame[frame["subject"] == _REFERENCE].set_index(keys)["value"]
    others = frame[frame["subject"] != _REFERENCE].set_index(keys)
    others = others[others.index.isin(before.index)]
    return others.assign(change=100 * (others["value"] / before.reindex(others.index) - 1)).reset_index()


def _title(changes: pd.DataFrame) -> str:
    means = (
        changes[(changes["subject"] == _PATTERN) & (changes["delays"] == "equal")].groupby("addresses")["change"].mean()
    )
    told = [f"{text.percent(change)} for {count:g} pages" for count, change in means.items()]
    if not told:
        return "Pages fetched one after another, on threads and as tasks"
    return f"Fetched as tasks instead of one after another, time changes by {', '.join(told)}"


def _line(
    axes: Axes, place: int, values: pd.Series[float], over: pd.Series[float], label: str, *, filled: bool = True
) -> None:
    look = drawing.look(place)
    fill, line = (look["color"], "-") if filled else ("white", "--")
    style: dict[str, Any] = {"markerfacecolor": fill, "linestyle": line}
    means = values.groupby(over).mean()
    edge = "white" if filled else look["color"]
    axes.plot(means.index, means, linewidth=1.4, markersize=6, markeredgecolor=edge, label=label, **look, **style)
    for at, some in values.groupby(over):
        axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")


def _costs(scene: Scene) -> list[Drawn]:
    """Draw what the most pages cost in each pattern, a point a trial and a panel a measure."""
    shown = {label: _most(scene, metric, factors) for metric, label, factors, _ in _COSTS}
    first = shown[_COSTS[0][1]]
    if first.empty:
        return []
    subjects = [name for name in _LABELS if name in set(first["subject"])]
    count = int(factor(first, "addresses").iloc[0])
    delays = first.groupby("subject")["value"].mean()
    compared = [name for name in list(_LABELS)[:3] if name in subjects]
    told = ", ".join(f"{text.quantity(delays[name], 's')} with {_LABELS[name]}" for name in compared)
    title = f"While {count} pages are fetched the event loop stands still for {told}"
    figure, panels = drawing.canvas(title, 2, rows=2, height=4.9, sharey=True)
    rows: list[tuple[str, ...]] = [("pattern", *(label.replace("\n", " ") for _, label, _, _ in _COSTS))]
    told_of: dict[str, list[str]] = {name: [] for name in subjects}
    for axes, (_, label, _, scale) in zip(panels, _COSTS, strict=True):
        for place, name in enumerate(subjects):
            values = [scale(value) for value in shown[label].loc[shown[label]["subject"] == name, "value"]]
            told_of[name].append(_point(axes, place, list(_LABELS).index(name), values))
        axes.set_yticks(range(len(subjects)), [_LABELS[name] for name in subjects])
        axes.set_ylim(len(subjects) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
        if shown[label].empty:
            axes.set_axis_off()
    rows += [(_LABELS[name], *values) for name, values in told_of.items()]
    alt = f"{title}. Longest delay of the event loop, memory, processor time, and pages that came in a second."
    notes = ["a point a trial, the bar their mean", *scene.notes(first)]
    return [drawing.finish(figure, "research-fetch-costs", title, alt, notes, rows)]


def _most(scene: Scene, metric: str, factors: dict[str, Any]) -> pd.DataFrame:
    """Return the values where most pages were fetched, all after equal delays and each from a host of its own."""
    found = _apart(scene.measured(metric, delays="equal", **factors))
    counts = factor(found, "addresses")
    return found[counts == counts.max()] if len(found) else found


def _point(axes: Axes, row: int, place: int, values: list[float]) -> str:
    """Draw a subject's values in a row, and return their mean as it is told."""
    if not values:
        return ""
    look = drawing.look(place)
    mean = sum(values) / len(values)
    axes.plot(values, [row] * len(values), linestyle="none", alpha=0.5, markersize=5, clip_on=False, **look)
    axes.plot([mean] * 2, [row - 0.25, row + 0.25], color=look["color"], linewidth=2)
    return f"{mean:.4g}"
