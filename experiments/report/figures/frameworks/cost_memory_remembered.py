"""Cost × memory × remembered: processor time a turn, resident memory, and evidence in the prompt, a mark a system."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis.frames import where
from experiments.report import drawing, text
from experiments.report.drawing import GREY, Drawn
from experiments.report.figures._blocks import INTERVALS
from experiments.report.figures._frameworks import CONDITIONS, in_words, look, spread
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor
from experiments.workloads.framework_levels import WINDOWS

NAME = "frameworks-cost"

_SMALLEST, _LARGEST = 4.0, 15.0  # points across: nothing remembered, and everything
_APART, _TOP = 0.062, 0.97  # of an axis' height: the lines of names, and the highest
_ROOM = 1.6  # beyond the outermost marks, as a factor
_TEXT = 6.8  # points


class _Place(NamedTuple):
    """A system in a condition, a value a block: milliseconds a turn, resident MiB, and percent remembered."""

    cpu: pd.Series[float]
    memory: pd.Series[float]
    remembered: pd.Series[float]

    @property
    def at(self) -> tuple[float, float]:
        """Where its mark stands."""
        return float(self.cpu.mean()), float(self.memory.mean())


class _Ends(NamedTuple):
    """Both axes' ends."""

    x: tuple[float, float]
    y: tuple[float, float]


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure for the conditions in which all three were measured."""
    costs = scene.measured("turn_cpu", part="turns", sessions=1)
    memory = scene.measured("system_memory", part="turns", sessions=1)
    kept = scene.measured("evidence_in_prompt", part="recall")
    if costs.empty or memory.empty or kept.empty:
        return []
    turns = int(factor(kept, "turns").min())
    kept = where(kept, turns=turns)
    found = {window: _places(window, costs, memory, kept) for window in CONDITIONS.of(costs)}
    windows = [window for window, places in found.items() if places]
    if not windows:
        return []
    told = found[windows[-1]]  # as each comes, where that was measured: with one window all remember the same
    most, least = (choose(told, key=lambda name: told[name].at) for choose in (max, min))
    title = (
        f"Cost, memory, and what is remembered after {turns} turns, {in_words(windows[-1])}: a turn takes "
        f"{text.quantity(told[least].at[0] / 1000, 's')} ({least}) to {text.quantity(told[most].at[0] / 1000, 's')} "
        f"({most})"
    )
    figure, panels = drawing.canvas(title, len(windows), height=4.9, sharex=True, sharey=True)
    ends = _ends([place for window in windows for place in found[window].values()])
    data: list[tuple[str, ...]] = [
        ("condition", "system", "processor time a turn (ms)", "resident (MiB)", "remembered (%)")
    ]
    for axes, window in zip(panels, windows, strict=True):
        drawing.logarithmic(axes, "x", "y")
        axes.set(xlim=ends.x, ylim=ends.y)
        for system in scene.subjects(found[window]):
            place = found[window][system]
            _mark(axes, scene, system, place)
            data.append((WINDOWS[window], system, *map(_with_ends, place)))
        _named(axes, found[window], ends)
        axes.set_title(WINDOWS[window])
        axes.set_xlabel("processor time a turn (ms)")
    panels[0].set_ylabel("resident after all turns (MiB)")
    notes = [
        "a mark's size (rings: its interval), and the share beside its name: questions whose evidence is in the prompt",
        *scene.notes(costs, memory, kept),
        INTERVALS,
    ]
    alt = f"{title}. Processor time a turn, resident memory and share remembered, a mark a system, a panel a condition."
    return [drawing.finish(figure, NAME, title, alt, notes, data)]


def _places(window: int, costs: pd.DataFrame, memory: pd.DataFrame, kept: pd.DataFrame) -> dict[str, _Place]:
    """Return the systems that have all three in this condition."""
    here = [where(frame, window=window) for frame in (costs, memory, kept)]
    names = set.intersection(*(set(frame["subject"]) for frame in here))
    found = {}
    for name in sorted(names):
        cpu, held, remembered = (frame.loc[frame["subject"] == name, "value"] for frame in here)
        found[name] = _Place(1000 * cpu, held / 2**20, 100 * remembered)
    return found


def _ends(places: list[_Place]) -> _Ends:
    """Return ends of both axes that leave room around every mark and interval."""
    x = [end for place in places for end in (place.at[0], *interval(place.cpu)) if end > 0]
    y = [end for place in places for end in (place.at[1], *interval(place.memory)) if end > 0]
    return _Ends((min(x) / _ROOM, max(x) * _ROOM), (min(y) / _ROOM, max(y) * _ROOM))


def _mark(axes: Axes, scene: Scene, system: str, place: _Place) -> None:
    marks, (x, y) = look(scene, system), place.at
    line: dict[str, Any] = {"marker": "", "linewidth": 1.2, "color": marks["color"], "solid_capstyle": "butt"}
    axes.plot(interval(place.cpu), [y, y], **line)
    axes.plot([x, x], interval(place.memory), **line)
    ring: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none", "markeredgewidth": 0.7, **marks}
    for share in interval(place.remembered):
        axes.plot(x, y, markersize=_across(share), **ring)
    size = _across(float(place.remembered.mean()))
    axes.plot(x, y, linestyle="none", markersize=size, markeredgecolor="white", alpha=0.85, **marks)


def _across(percent: float) -> float:
    return _SMALLEST + (_LARGEST - _SMALLEST) * min(max(percent, 0.0), 100.0) / 100


def _named(axes: Axes, places: Mapping[str, _Place], ends: _Ends) -> None:
    """Write each system's name and share beside its mark, no two upon each other, towards the middle of the panel."""
    rising = sorted(places, key=lambda name: places[name].at[1])
    heights = spread([_along(ends.y, places[name].at[1]) for name in rising], _APART, _TOP)
    for name, height in zip(rising, heights, strict=True):
        across, is_left = _along(ends.x, places[name].at[0]), _along(ends.x, places[name].at[0]) < 0.5
        axes.annotate(
            f"{name} {text.share(float(places[name].remembered.mean()) / 100)}",
            places[name].at,
            xytext=(across + (0.06 if is_left else -0.06), height),
            textcoords="axes fraction",
            ha="left" if is_left else "right",
            va="center",
            fontsize=_TEXT,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5},
        )


def _along(ends: tuple[float, float], value: float) -> float:
    """Return how far along a logarithmic axis a value lies: 0 at its beginning, 1 at its end."""
    return math.log(max(value, ends[0]) / ends[0]) / math.log(ends[1] / ends[0])


def _with_ends(values: pd.Series[float]) -> str:
    """Return a mean with the ends of its interval."""
    low, high = interval(values)
    return f"{text.significant(float(values.mean()))} ({text.ends(low, high)})"
