"""Ranges of time: how many times as fast each way is as none over how much is asked for, and what it costs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, LogLocator

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor
from experiments.workloads.events import RANGES

_PART, _REFERENCE = "time-ranges", "no-index"
_LABELS = {
    "no-index": "no index",
    "btree": "B-tree",
    "brin": "block-range index",
    "partitions": "partitions of a day",
}
"""Subjects in words, in the order in which they are shown; the place is the colour."""

_WIDTHS = {"1h": "1 h", "6h": "6 h", "1d": "1 d", "2d": "2 d", "7d": "7 d", "35d": "all"}
_ORDERS = {"in order": "rows in order of time", "shuffled": "rows shuffled"}
_PUBLISHED = (("S2-brin", 10.0), ("S2-partition", 50.0))
_COSTS = (
    ("range_index_bytes", "index (MiB)", 1 / 2**20),
    ("range_preparing_time", "time to make it ready (s)", 1.0),
    ("range_append_time", "time to add a day (ms)", 1000.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``time-ranges``, as far as there are records: of the most rows there are."""
    return [*_speed(scene), *_costs(scene)]


def _speed(scene: Scene) -> list[Drawn]:
    """Draw times as fast over hours asked for, a panel an order of rows and a line a way."""
    found = [_faster(scene, name) for name in RANGES]
    faster = pd.concat([each for each in found if not each.empty]) if any(not each.empty for each in found) else None
    if faster is None:
        return []
    orders = [order for order in _ORDERS if (factor(faster, "order") == order).any()]
    title = _title(faster[factor(faster, "order") == orders[0]], _ORDERS[orders[0]])
    figure, panels = drawing.canvas(title, len(orders), height=4.4, sharey=True)
    for axes, order in zip(panels, orders, strict=True):
        mine = faster[factor(faster, "order") == order]
        for place, subject in enumerate(_LABELS):
            some = mine[mine["subject"] == subject]
            if not some.empty:
                _blocks.curve(axes, place, some["times"], some["hours"], _LABELS[subject], geometric=True)
        axes.axhline(1, color=drawing.GREY, linewidth=1, linestyle=":")
        _published(axes)
        drawing.logarithmic(axes, "x", "y")
        axes.set_xticks([_hours(name) for name in RANGES])
        axes.xaxis.set_major_formatter(FixedFormatter(list(_WIDTHS.values())))
        axes.minorticks_off()
        axes.set_xlabel("asked for, of 35 days")
        axes.set_title(_ORDERS[order])
    panels[0].set_ylabel("times as fast as without an index")
    alt = f"{title}. Times as fast as without an index, over how much is asked for, a line a way."
    notes = [f"{int(factor(faster, 'rows').max()):,} rows", _blocks.INTERVALS, *scene.notes(faster)]
    return [drawing.finish(figure, "strategies-time-ranges", title, alt, notes)]


def _published(axes: Axes) -> None:
    """Draw both published factors; one entry of the legend tells of them."""
    label = "published: 10 times by a block-range index, 50 times by partitions"
    for claim, times in _PUBLISHED:
        drawing.ends(axes, claims.get(claim), times, times, label, "y")
        label = "_the other one"


def _faster(scene: Scene, name: str) -> pd.DataFrame:
    """Return how many times as fast each way was in each block, with the most rows, for one width."""
    frame = _most(scene.measured(f"range_time_{name}", part=_PART))
    over = _blocks.over_reference(frame, _REFERENCE)
    return over.assign(times=1 / over["ratio"], width=name, hours=_hours(name))


def _most(frame: pd.DataFrame) -> pd.DataFrame:
    counts = factor(frame, "rows")
    return frame[counts == counts.max()] if len(frame) else frame


def _hours(name: str) -> float:
    return RANGES[name].total_seconds() / 3600


def _title(faster: pd.DataFrame, order: str) -> str:
    told = [
        f"{text.significant(_blocks.mean_ratio(some), 2)} times{said}"
        for width, said in (("1h", " as fast as none for an hour"), ("2d", " for two days"), ("35d", " for all"))
        if len(some := faster.loc[(faster["subject"] == "brin") & (faster["width"] == width), "times"])
    ]
    if not told:
        return "Ranges of time without an index, by a B-tree, a block-range index and partitions"
    return f"A block-range index is {', '.join(told)} of 35 days, with {order}"


def _costs(scene: Scene) -> list[Drawn]:
    """Draw the size of the index, and what making and keeping it takes, a row a way."""
    frames = [_most(scene.measured(metric, part=_PART, order="in order")) for metric, *_ in _COSTS]
    if frames[0].empty:
        return []
    subjects = [name for name in _LABELS if name in set(frames[0]["subject"])]
    places = [list(_LABELS).index(name) for name in subjects]
    title = _costs_title(frames[0])
    figure, panels = drawing.canvas(title, len(_COSTS), height=3.4, sharey=True)
    columns = []
    for axes, frame, (metric, label, scale) in zip(panels, frames, _COSTS, strict=True):
        values = _blocks.values_of(frame, subjects, scale)
        if metric == "range_index_bytes":
            values = {name: [each for each in some if each > 0] for name, some in values.items()}
            drawing.logarithmic(axes, "x")
            axes.xaxis.set_major_locator(LogLocator())  # decades alone: a panel is narrow
        told = _blocks.scattered(axes, {_LABELS[name]: some for name, some in values.items()}, places, label)
        if metric != "range_index_bytes":
            axes.set_xlim(left=0)
        columns.append([each or "none" for each in told])
    heading = ("way", *(label for _, label, _ in _COSTS))
    rows = _blocks.table(heading, [_LABELS[name] for name in subjects], columns)
    alt = f"{title}. Size of the index, time to make the table ready, and time to add a day's rows."
    notes = [f"{int(factor(frames[0], 'rows').max()):,} rows in order of time", _blocks.POINTS, *scene.notes(*frames)]
    return [drawing.finish(figure, "strategies-time-ranges-costs", title, alt, notes, rows)]


def _costs_title(sizes: pd.DataFrame) -> str:
    means = sizes.groupby("subject")["value"].mean()
    if not {"brin", "btree"} <= set(means.index):
        return "What finding ranges of time costs beside time"
    small, large = (text.quantity(means[name], "bytes") for name in ("brin", "btree"))
    return f"The block-range index takes {small} where the B-tree takes {large}"
