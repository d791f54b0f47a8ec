"""Deflate: the change in bytes for each kind of messages, and what a connection holds and a reply computes for it."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART, _REFERENCE = "deflate", "uncompressed"
_WAYS = {
    "uncompressed": "as they are",
    "context-dropped": "deflated, each message anew",
    "context-kept": "deflated, 4 KiB window kept",
    "whole-window": "deflated, 32 KiB window kept",
}
_KINDS = {"tokens": "a frame a token", "replies": "whole replies", "states": "whole states"}
"""Levels in words, in the order in which they are shown; the place of a kind is its colour."""

_TITLED = "context-dropped"  # what the source advises
_HEIGHT = 0.22  # of a row, between two kinds

_Shown = tuple[str, str, Callable[[float], float]]
_COSTS: tuple[_Shown, ...] = (
    ("socket_memory", "server's memory\na connection (KiB)", lambda value: value / 2**10),
    ("wire_cpu", "server's processor\ntime a reply (ms)", lambda value: value * 1000),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``deflate``, if there are records."""
    measured = scene.measured("wire_bytes", part=_PART)
    changes = _blocks.changes(measured, _REFERENCE)
    if changes.empty:
        return []
    title = _title(changes)
    figure, panels = drawing.canvas(title, 3, height=4.4, sharey=True)
    rows = {way: row for row, way in enumerate(way for way in _WAYS if way in set(measured["subject"]))}
    for way, row in rows.items():
        _kinds(panels[0], changes[changes["subject"] == way], "change", row, float)
    for axes, (metric, label, scale) in zip(panels[1:], _COSTS, strict=True):
        found = scene.measured(metric, part=_PART)
        for way, row in rows.items():
            _kinds(axes, found[found["subject"] == way], "value", row, scale)
        axes.set_xlabel(label)
        axes.set_xlim(left=0)
    drawing.band(panels[0], claims.get("S2-deflate"), "x")
    panels[0].axvline(0, color=drawing.GREY, linewidth=1, linestyle=":")
    panels[0].set_xlabel("change in bytes\non the wire (%)")
    _blocks.rows_named(panels[0], [_WAYS[way] for way in rows])
    alt = f"{title}. Change in bytes, memory a connection, processor time a reply; a row a way, a marker a kind."
    notes = [*scene.notes(measured), _blocks.INTERVALS]
    table = _table(scene, changes, list(rows))
    return [drawing.finish(figure, "strategies-deflate", title, alt, notes, table)]


def _kinds(axes: Axes, mine: pd.DataFrame, column: str, row: int, scale: Callable[[float], float]) -> None:
    kinds = factor(mine, "frames")
    for place, (kind, label) in enumerate(_KINDS.items()):
        shift = (place - (len(_KINDS) - 1) / 2) * _HEIGHT
        _blocks.row(axes, row + shift, place + 1, mine[kinds == kind][column].map(scale), label)


def _title(changes: pd.DataFrame) -> str:
    titled = changes[changes["subject"] == (_TITLED if _TITLED in set(changes["subject"]) else "context-kept")]
    kinds = factor(titled, "frames")
    told = [
        f"{text.percent(titled[kinds == kind]['change'].mean())} of {label}"
        for kind, label in _KINDS.items()
        if (kinds == kind).any()
    ]
    way = "each message by itself" if _TITLED in set(changes["subject"]) else "with a window that is kept"
    return f"Deflated {way}, bytes on the wire change by {', '.join(told)}" if told else "Deflated messages"


def _table(scene: Scene, changes: pd.DataFrame, ways: list[str]) -> list[tuple[str, ...]]:
    """Return the means as rows of text."""
    costs = [(scene.measured(metric, part=_PART), scale) for metric, _, scale in _COSTS]
    heading = ("messages", "way", "change in bytes (%)", *(label.replace("\n", " ") for _, label, _ in _COSTS))
    rows = [heading]
    for kind, label in _KINDS.items():
        for way in ways:
            change = _mean(changes, kind, way, "change", float)
            values = [_mean(frame, kind, way, "value", scale) for frame, scale in costs]
            if any(values):
                rows.append((label, _WAYS[way], change, *values))
    return rows


def _mean(frame: pd.DataFrame, kind: str, way: str, column: str, scale: Callable[[float], float]) -> str:
    found = frame[(frame["subject"] == way) & (factor(frame, "frames") == kind)][column]
    return "" if found.empty else text.significant(scale(found.mean()))
