"""An index of vectors: recall over the time of a lookup, and what building, memory and a filter cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.ticker import LogLocator

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, in_rows
from experiments.report.scene import Scene, factor

_PART, _SCAN, _GRAPH = "vector-index", "exact-scan", "hnsw"

# The metric, the panel's axis, how many of its units are one of the metric's, and whether it spans decades.
_COSTS = (
    ("index_build_time", "time to build (s)", 1.0, True),
    ("vectors_anonymous", "anonymous memory (MiB)", 1 / 2**20, False),
    ("index_filtered_p50", "a lookup in one of\nten categories (ms)", 1_000.0, True),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of recall over time and the one of costs, as far as there are records."""
    return [*_curves(scene), *_costs(scene)]


def _curves(scene: Scene) -> list[Drawn]:
    """Draw a graph's recall over the time of a lookup, a line a condition, and the scan's time beside it."""
    times = scene.measured("nearest_p50", part=_PART)
    swept = _swept(scene, times)
    if swept.empty:
        return []
    rows = _rows(times)
    title = _title(times, rows)
    figure, [axes] = drawing.canvas(title, height=4.6)
    for place, (row, words) in enumerate(rows.items()):
        look = drawing.look(place)
        mine = swept[swept["row"] == row].groupby("looked_at")[["ms", "recall"]].mean()
        label = words.replace("\n", " ")
        axes.plot(
            mine["ms"],
            100 * mine["recall"],
            linewidth=1.4,
            markersize=5.5,
            markeredgecolor="white",
            label=label,
            **look,
        )
        scan = times[(times["subject"] == _SCAN) & (_row(times) == row)]["value"]
        if len(scan):
            axes.plot(
                [1_000 * scan.mean()], [100], linestyle="none", markersize=9, markerfacecolor="none", clip_on=False,
                label=f"_{label}, scan", **look,
            )  # fmt: skip
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("time of a lookup, P50 (ms)")
    axes.set_ylabel("recall of the nearest ten (%)")
    alt = f"{title}. Recall over the time of a lookup, a line a condition, a point a number of rows looked at."
    notes = [
        *scene.notes(times),
        "lines: a graph that looks at 10 to 400 rows, means of the blocks; large empty marks: their scan",
    ]
    return [drawing.finish(figure, "strategies-vector-index", title, alt, notes)]


def _row(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return what names the condition of each row of a frame."""
    kinds, counts, widths = (factor(frame, name) for name in ("vectors", "count", "width"))
    named = [f"{kind} {count} {width}" for kind, count, width in zip(kinds, counts, widths, strict=True)]
    return pd.Series(named, index=frame.index, dtype=object)


def _rows(frame: pd.DataFrame) -> dict[str, str]:
    """Return the conditions in order of their sizes, in words."""
    kinds, counts, widths = (factor(frame, name) for name in ("vectors", "count", "width"))
    found = {
        row: (str(kind), int(count), int(width or 0))
        for row, kind, count, width in zip(_row(frame), kinds, counts, widths, strict=True)
    }
    ordered = sorted(found, key=lambda row: (found[row][0], found[row][2], found[row][1]))
    return {row: _words(*found[row]) for row in ordered}


def _words(kind: str, count: int, width: int) -> str:
    what = f"points of {width} numbers" if width else f"texts, by {text.plain(kind)}"
    return f"{count:,}\n{what}"


def _swept(scene: Scene, times: pd.DataFrame) -> pd.DataFrame:
    """Return a row a trial of the graph and number of rows looked at."""
    records = {record.key: record for record in scene.records}
    graphs = times[times["subject"] == _GRAPH]
    made = []
    for key, row in zip(graphs["key"], _row(graphs), strict=True):
        part = records[key].part("subject")
        if part is not None and "swept" in part.series:
            names = ("swept", "swept_recall", "swept_p50_s")
            each = zip(*(part.series[name] for name in names), strict=True)
            made += [(row, looked_at, recall, 1_000 * seconds) for looked_at, recall, seconds in each]
    return pd.DataFrame(made, columns=["row", "looked_at", "recall", "ms"])


def _title(times: pd.DataFrame, rows: dict[str, str]) -> str:
    """Return how the lookup's time compares where most and where fewest texts or points are."""
    told = []
    for row, words in rows.items():
        mine = times[_row(times) == row].groupby("subject")["value"].mean()
        if {_SCAN, _GRAPH} <= set(mine.index):
            told.append((mine[_GRAPH] / mine[_SCAN], words.replace("\n", " ")))
    if not told:
        return "Recall over the time of a lookup in a graph of vectors"
    least, most = min(told), max(told)
    ends = [f"{text.significant(ratio)} times a scan's time ({words})" for ratio, words in dict.fromkeys((least, most))]
    return f"Looking at 50 rows, a graph takes {' to '.join(ends)}"


def _costs(scene: Scene) -> list[Drawn]:
    frames = [scene.measured(metric, part=_PART) for metric, *_ in _COSTS]
    if any(frame.empty for frame in frames):
        return []
    frames = [frame.assign(row=_row(frame)) for frame in frames]
    rows = _rows(frames[0])
    subjects = scene.subjects(frames[0]["subject"])
    built = frames[0][frames[0]["subject"] == subjects[-1]].groupby("row")["value"].mean()
    where = rows[str(built.idxmax())].replace("\n", " ")
    title = f"The {subjects[-1]} of {where} takes {text.quantity(built.max(), 's')} to build"
    figure, panels = drawing.canvas(title, len(_COSTS), sharey=True, height=2.6 + 0.5 * len(rows))
    for axes, frame, (_, label, scale, spans) in zip(panels, frames, _COSTS, strict=True):
        in_rows(axes, frame, rows, subjects, scale)
        axes.set_xlabel(label)
        if spans:
            drawing.logarithmic(axes, "x")
            axes.xaxis.set_major_locator(LogLocator())  # decades alone: a panel is narrow
            axes.tick_params("x", rotation=45)
        else:
            axes.set_xlim(0, 1.1 * scale * frame["value"].max())
    alt = f"{title}. Time to build, anonymous memory, and the time of a lookup with a filter, a row a condition."
    notes = [*scene.notes(*frames), INTERVALS]
    return [drawing.finish(figure, "strategies-vector-index-costs", title, alt, notes)]
