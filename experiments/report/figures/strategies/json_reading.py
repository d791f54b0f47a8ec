"""JSON: what each way of reading a document takes of memory and time, and whether it reads one in tight limits."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART = "json"
_WAYS = {
    "read-whole": "whole",
    "typed-whole": "whole, two fields typed",
    "rebuilt": "streamed, put together",
    "streamed": "streamed, a record at a time",
    "lines": "a record a line",
}
"""Subjects in words, in the order in which they are shown."""

_TOLD = {
    "read-whole": "read whole",
    "rebuilt": "streamed and put together",
    "streamed": "streamed a record at a time",
}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``json``, if there are records."""
    grown = _wide(scene.measured("json_growth", part=_PART))
    if grown.empty:
        return []
    taken = _wide(scene.measured("json_time", part=_PART))
    tight = scene.measured("json_read", part=_PART)
    tight = tight[factor(tight, "profile").notna()]
    ways = [way for way in _WAYS if way in set(grown["subject"])]
    means = grown.groupby("subject")["value"].mean()
    told = [f"{text.significant(means[way], 2)} {words}" for way, words in _TOLD.items() if way in means]
    title = f"Bytes of memory that a byte of JSON takes: {', '.join(told)}"
    shown = [(grown, "memory a byte of\ndocument (bytes)", 1.0), (taken, "time to read it (s)", 1.0)]
    if not tight.empty:
        shown.append((tight, "read within\ntight limits (%)", 100.0))
    figure, panels = drawing.canvas(title, len(shown), height=3.9, sharey=True)
    rows: list[tuple[str, ...]] = [("way", *(label.replace("\n", " ") for _, label, _ in shown))]
    for row, way in enumerate(ways):
        values = [frame[frame["subject"] == way]["value"] * scale for frame, _, scale in shown]
        for axes, mine in zip(panels, values, strict=True):
            _blocks.row(axes, row, 1, mine, "mean")
        rows.append((_WAYS[way], *("" if mine.empty else text.significant(mine.mean()) for mine in values)))
    for axes, (_, label, _) in zip(panels, shown, strict=True):
        axes.set_xlabel(label)
    panels[0].axvline(0, color=drawing.GREY, linewidth=1, linestyle=":", label="bounded, as published")
    panels[1].set_xlim(left=0)
    if not tight.empty:
        panels[2].set_xlim(-5, 105)
    _blocks.rows_named(panels[0], [_WAYS[way] for way in ways])
    alt = f"{title}. Growth of the peak with the document, time to read it, and whether it is read in tight limits."
    notes = [*scene.notes(grown), _sizes(grown, tight), _blocks.INTERVALS]
    return [drawing.finish(figure, "strategies-json", title, alt, notes, rows)]


def _wide(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the largest document within the run's own limits."""
    own = frame[factor(frame, "profile").isna()]
    sizes = factor(own, "megabytes")
    return own[sizes == sizes.max()] if len(own) else own


def _sizes(grown: pd.DataFrame, tight: pd.DataFrame) -> str:
    told = f"a document of {factor(grown, 'megabytes').iloc[0]} MB"
    if tight.empty:
        return told
    return f"{told}; tight limits: {factor(tight, 'megabytes').iloc[0]} MB in {factor(tight, 'profile').iloc[0]}"
