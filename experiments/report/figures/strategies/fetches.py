"""Fetches: the change in time when pages are fetched at once, over how long a page takes."""

from __future__ import annotations

import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART, _REFERENCE = "fetches", "one-after-another"


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``fetches``, if there are records."""
    measured = scene.measured("fetching_time", part=_PART)
    changes = _blocks.changes(measured, _REFERENCE)
    if changes.empty:
        return []
    changes = changes.assign(
        pages=factor(changes, "addresses").astype(int), delay=factor(changes, "mean_ms").astype(float)
    )
    counts = sorted(set(changes["pages"]))
    title = _title(changes, counts[0])
    figure, (axes,) = drawing.canvas(title, height=4.2)
    for place, pages in enumerate(counts):
        mine = changes[changes["pages"] == pages]
        _blocks.curve(axes, place + 1, mine["change"], mine["delay"], f"{pages} pages")
        best = 100 * (1 / pages - 1)
        label = f"{pages} pages in the time of one"
        axes.axhline(best, color=drawing.look(place + 1)["color"], linewidth=1, linestyle=":", label=label)
    drawing.band(axes, claims.get("S4-async"))
    axes.axhline(0, color=drawing.GREY, linewidth=1)
    axes.set_xscale("symlog", linthresh=5)
    delays = sorted(set(changes["delay"]))
    axes.set_xticks(delays, [f"{delay:g}" for delay in delays])
    axes.minorticks_off()
    axes.set_xlim(-1, 1.3 * delays[-1] + 1)
    axes.set_xlabel("delay of a page (ms)")
    axes.set_ylabel("change in the time to fetch all (%)")
    alt = f"{title}. Change against one after another on kept connections, a line a number of pages."
    notes = [*scene.notes(measured), _blocks.INTERVALS]
    return [drawing.finish(figure, "strategies-fetches", title, alt, notes)]


def _title(changes: pd.DataFrame, pages: int) -> str:
    means = changes[changes["pages"] == pages].groupby("delay")["change"].mean()
    told = [f"{text.percent(change)} at {delay:g} ms" for delay, change in means.items()]
    return f"{pages} pages at once instead of one after another change the time by {', '.join(told)}"
