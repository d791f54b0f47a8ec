"""Caches: how often they hit over their room, how long a read takes over the origin's delay, and what is stale."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART = "caches"
_LABELS = {
    "uncached": "no cache",
    "in-process": "in the process",
    "redis-aside": "Redis, aside",
    "redis-through": "Redis, written through",
    "redis-warmed": "Redis, aside and warmed",
}
"""Subjects in words, in the order in which they are shown; the place is the colour."""

_REFERENCE, _ASIDE, _WARMED = "uncached", "redis-aside", "redis-warmed"
_COSTS = (
    ("stale_reads", "stale reads (%)", 100.0),
    ("change_time", "a change (ms)", 1_000.0),
    ("cache_memory", "anonymous memory (MiB)", 1 / 2**20),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``caches``, as far as there are records."""
    return [*_hits(scene), *_times(scene), *_costs(scene)]


def _hits(scene: Scene) -> list[Drawn]:
    """Draw the hit rate over the room, beside that of the optimum."""
    hits = _share_of_keys(scene.measured("hit_rate", part=_PART, delay_ms=0))
    most = _share_of_keys(scene.measured("hit_rate_of_optimum", part=_PART, delay_ms=0))
    if hits.empty:
        return []
    claim = claims.get("S2-cache")
    figure, (axes,) = drawing.canvas(title := _hits_title(hits), height=4.2)
    for name in _LABELS:
        mine = hits[hits["subject"] == name]
        if len(set(mine["over"])) > 1 or len(set(hits["over"])) == 1:
            _line(axes, name, mine, 100 * mine["value"])
    for name, style, label in (("in-process", ":", "optimum, empty at first"), (_WARMED, "-.", "optimum, warmed")):
        means = most[most["subject"] == name].groupby("over")["value"].mean()
        if len(means):
            axes.plot(means.index, 100 * means, color=drawing.GREY, linestyle=style, linewidth=1.2, label=label)
    if claim.at_least is not None:
        least = 100 * claim.at_least
        drawing.ends(axes, claim, least, least, f"published: {least:g} %, warmed", "y")
    shares = sorted(set(hits["over"]))
    drawing.logarithmic(axes, "x")
    axes.set_xticks(shares, [f"{share:g}" for share in shares])
    axes.minorticks_off()
    axes.set_ylim(0, 102)
    axes.set_xlabel("room, of all that is asked for (%)")
    axes.set_ylabel("reads that hit (%)")
    alt = f"{title}. Hit rate over the room of the cache, a line a way, beside the optimum and the published figure."
    return [drawing.finish(figure, "strategies-caches-hits", title, alt, [_blocks.INTERVALS, *scene.notes(hits)])]


def _share_of_keys(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the room as a share of the keys, in percent."""
    return frame.assign(over=[100 * room / keys for room, keys in zip(*_both(frame), strict=True)])


def _both(frame: pd.DataFrame) -> tuple[list[float], list[float]]:
    return factor(frame, "room").astype(float).tolist(), factor(frame, "keys").astype(float).tolist()


def _hits_title(hits: pd.DataFrame) -> str:
    means = hits[hits["subject"] == _WARMED].groupby("over")["value"].mean()
    if means.empty:
        return "How often a cache hits is a matter of its room"
    told = ", ".join(f"{text.share(share)} with room for {over:g} %" for over, share in means.items())
    return f"A warmed cache-aside hits {told} of what is asked for"


def _times(scene: Scene) -> list[Drawn]:
    """Draw the mean time of a read over the origin's delay, and its change against no cache."""
    taken = scene.measured("access_time", part=_PART)
    taken = taken.assign(over=factor(taken, "delay_ms").astype(float))
    changes = _blocks.changes(taken, _REFERENCE)
    if changes.empty:
        return []
    taken = taken[taken["condition"].isin(set(changes["condition"]))]
    delays = sorted(set(taken["over"]))
    places = {delay: float(place) for place, delay in enumerate(delays)}
    taken, changes = (frame.assign(over=frame["over"].map(places)) for frame in (taken, changes))
    title = _times_title(changes, delays)
    figure, (times, shares) = drawing.canvas(title, 2, height=4.4)
    for name in _LABELS:
        mine, changed = taken[taken["subject"] == name], changes[changes["subject"] == name]
        _line(times, name, mine, 1_000 * mine["value"])
        _line(shares, name, changed, changed["change"])
    drawing.logarithmic(times, "y")
    shares.axhline(0, color=drawing.GREY, linewidth=1)
    shares.set_yscale("symlog", linthresh=100)
    shares.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    drawing.band(shares, claims.get("S2-cache-lat"))
    for axes in (times, shares):
        axes.set_xticks(list(places.values()), [f"{delay:g} ms" if delay else "none" for delay in delays])
        axes.set_xlim(-0.3, len(delays) - 0.7)
        axes.set_xlabel("mean delay of the origin")
    times.set_ylabel("time of a read, mean (ms)")
    shares.set_ylabel("change against no cache (%)")
    alt = f"{title}. Left: milliseconds a read over the origin's delay, a line a way. Right: the change in percent."
    notes = [_blocks.INTERVALS, "where the origin has no delay one caller asks, else four", *scene.notes(taken)]
    return [drawing.finish(figure, "strategies-caches-time", title, alt, notes)]


def _times_title(changes: pd.DataFrame, delays: list[float]) -> str:
    means = changes[changes["subject"] == _ASIDE].groupby("over")["change"].mean()
    answers = [f"{delay:g} ms later" if delay else "at once" for delay in delays]
    told = [
        f"{text.percent(means[place])} where the origin answers {answer}"
        for place, answer in enumerate(answers)
        if place in means
    ]
    if not told:
        return "How long a read takes through a cache"
    return f"Through Redis a read's time changes by {', '.join(told)}"


def _costs(scene: Scene) -> list[Drawn]:
    """Draw what is stale, what a change costs and what is held, where the origin is slowest."""
    frames = [_slowest(scene.measured(metric, part=_PART)) for metric, *_ in _COSTS]
    stale = frames[0]
    if stale.empty:
        return []
    subjects = [name for name in _LABELS if name in set(stale["subject"])]
    means = stale.groupby("subject")["value"].mean()
    cached = [name for name in subjects if name != _REFERENCE]
    told = ", ".join(f"{text.share(means[name]) if means[name] else 'none'} ({_LABELS[name]})" for name in cached)
    title = f"Of what is read, while two agents change it, stale is: {told}"
    figure, panels = drawing.canvas(title, len(_COSTS), height=3.6, sharey=True)
    rows: list[tuple[str, ...]] = [("cache", *(label for _, label, _ in _COSTS))]
    shown: dict[str, list[str]] = {name: [] for name in subjects}
    for axes, frame, (_, label, scale) in zip(panels, frames, _COSTS, strict=True):
        for row, name in enumerate(subjects):
            values = scale * frame.loc[frame["subject"] == name, "value"]
            shown[name].append(text.significant(float(values.mean())) if len(values) else "")
            look = drawing.look(list(_LABELS).index(name))
            axes.plot(values, [row] * len(values), linestyle="none", alpha=0.4, markersize=5, clip_on=False, **look)
            if len(values):
                axes.plot([values.mean()] * 2, [row - 0.25, row + 0.25], color=look["color"], linewidth=2)
        _blocks.rows_named(axes, [_LABELS[name] for name in subjects])
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
    rows += [(_LABELS[name], *values) for name, values in shown.items()]
    alt = f"{title}. Stale reads, time of a change, and memory of all processes, a point a trial, by way."
    notes = [_blocks.POINTS, *scene.notes(stale)]
    return [drawing.finish(figure, "strategies-caches-stale", title, alt, notes, rows)]


def _slowest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the origin that answers latest."""
    delays = factor(frame, "delay_ms")
    return frame[delays == delays.max()] if len(frame) else frame


def _line(axes: Axes, name: str, mine: pd.DataFrame, values: pd.Series[float]) -> None:
    """Draw a way's mean over blocks at each place, with its interval."""
    _blocks.curve(axes, list(_LABELS).index(name), values, mine["over"], _LABELS[name])
