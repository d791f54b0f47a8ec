"""Retrieval of an agent's newest memories: seconds, and bytes that come, over how many memories there are."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene
from experiments.workloads.memories import SIZES

_PART = "projection"
_LABELS = {
    "read-all": "all read, chosen here",
    "scan": "chosen by the database, no index",
    "scan-projected": "the same, needed fields alone",
    "indexed": "chosen by an index",
    "indexed-projected": "by an index, needed fields alone",
}
"""Subjects in words, in the order in which they are shown; the place is the colour."""

_PANELS = (("time", "time to ten memories (ms)", 1000.0), ("bytes", "bytes that come (KiB)", 1 / 1024))


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``projection``, a line a way."""
    shown = [_measured(scene, what, scale) for what, _, scale in _PANELS]
    if shown[0].empty:
        return []
    most = max(shown[0]["size"])
    title = _title(shown[0][shown[0]["size"] == most], int(most))
    figure, panels = drawing.canvas(title, len(_PANELS), height=4.4)
    for axes, frame, (_, label, _) in zip(panels, shown, _PANELS, strict=True):
        for place, subject in enumerate(_LABELS):
            some = frame[frame["subject"] == subject]
            if not some.empty:
                _blocks.curve(axes, place, some["shown"], some["size"], _LABELS[subject], geometric=True)
        drawing.logarithmic(axes, "x", "y")
        sizes = sorted(set(frame["size"]))
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("memories of all agents")
        axes.set_ylabel(label)
    alt = f"{title}. Left: milliseconds over the number of memories, a line a way. Right: kibibytes that come."
    notes = ["an agent has a hundredth of the memories", _blocks.INTERVALS, *scene.notes(*shown)]
    return [drawing.finish(figure, "strategies-projection", title, alt, notes)]


def _measured(scene: Scene, what: str, scale: float) -> pd.DataFrame:
    """Return the values at every size, of the trials with the most memories: they have the smaller sizes too."""
    found = []
    for name, size in SIZES.items():
        frame = scene.measured(f"retrieval_{what}_{name}", part=_PART)
        most = [given["memories"] for given in frame["factors"]]
        frame = frame[[each == max(most) for each in most]] if most else frame
        found.append(frame.assign(size=float(size), shown=frame["value"].astype(float) * scale))
    return pd.concat([each for each in found if not each.empty] or found[:1])


def _title(largest: pd.DataFrame, size: int) -> str:
    means = largest.groupby("subject")["value"].mean()
    if not {"read-all", "indexed-projected"} <= set(means.index):
        return "An agent's newest memories, all read or chosen by the database"
    slow, quick = (text.quantity(means[name], "s") for name in ("read-all", "indexed-projected"))
    words = f"{quick} by an index with the fields needed, {slow} when all are read"
    return f"Of {size:,} memories an agent's ten newest take {words}"
