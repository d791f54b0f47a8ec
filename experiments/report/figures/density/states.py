"""States: what each way of keeping them takes beside whole ones, and how long restoring takes over the chain."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_WHOLE, _DIFFERENCE, _RIVAL = "full", "difference", "rows-dictionary"
_TITLED = "conversation"
_LABELS = {
    "full": "whole states",
    "zstd": "whole, zstd",
    "dictionary": "whole, zstd with a dictionary",
    "learned": "whole, by a learned model",
    "sparse": "whole, tables by their filled cells",
    "sparse-zstd": "the same, then zstd",
    "rows": "rows of what is new",
    "rows-zstd": "rows, zstd",
    "rows-dictionary": "rows, zstd with a dictionary",
    "rows-learned": "rows, by a learned model",
    "difference": "differences",
    "difference-dictionary": "differences, whole ones by a dictionary",
    "difference-unbounded": "differences, never a whole one again",
    "newest": "only the newest state",
}
"""Subjects in words, in the order in which they are shown."""

# One colour a family: a subject's own, as elsewhere, would repeat after seven.
_OVER_STEPS = ("full", "zstd", "rows-dictionary", "difference", "difference-unbounded", "rows-learned")


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``states``, as far as there are records."""
    taken, restored = scene.measured("states_bytes", part="states"), scene.measured("restore_p50", part="states")
    return [*_bytes(scene, taken), *_restore(scene, restored)]


def _bytes(scene: Scene, taken: pd.DataFrame) -> list[Drawn]:
    """Draw the bytes of each way as a share of those of whole states, a panel a kind, at the longest chain of each."""
    kinds = dict.fromkeys(factor(taken, "states"))
    shares = {str(kind): _shares(_longest(taken[factor(taken, "states") == kind])) for kind in kinds}
    shares = {kind: share for kind, share in shares.items() if not share.empty}
    if not shares:
        return []
    titled = _TITLED if _TITLED in shares else next(iter(shares))
    means = shares[titled].groupby("subject")["share"].mean()
    steps = int(shares[titled]["steps"].iloc[0])
    told = [
        f"{words} take {text.significant(means[subject], 2)} %"
        for subject, words in ((_DIFFERENCE, "differences"), (_RIVAL, "rows under a dictionary"))
        if subject in means
    ]
    title = f"Of the bytes of {steps} whole states of a {titled}, {' and '.join(told)}"
    ways = [way for way in _LABELS if way != _WHOLE and any(way in set(share["subject"]) for share in shares.values())]
    columns = min(2, len(shares))
    rows = -(-len(shares) // columns)
    figure, panels = drawing.canvas(
        title, columns, rows=rows, sharex=True, sharey=True, height=1.5 + rows * (0.6 + 0.2 * len(ways))
    )
    for axes, (kind, share) in zip(panels, shares.items(), strict=False):
        for row, way in enumerate(ways):
            values = share[share["subject"] == way]["share"]
            if not values.empty:
                look = drawing.look(_family(way))
                axes.plot(*(interval(values), [row, row]), marker="", linewidth=1.8, color=look["color"])
                axes.plot(
                    [values.mean()], [row], linestyle="none", markersize=6, markeredgecolor="white",
                    label=_FAMILIES[_family(way)], **look,
                )  # fmt: skip
        axes.set_title(f"{text.plain(kind)}, {int(share['steps'].iloc[0])} states")
        drawing.logarithmic(axes, "x")
        claim = claims.get("S1-delta")
        if claim.low is not None and claim.high is not None:
            low, high = 100 + claim.low, 100 + claim.high
            drawing.ends(axes, claim, low, high, "published: 5 to 10 times smaller", "x")
        axes.axvline(100, color=drawing.GREY, linewidth=1, linestyle=":", label="whole states")
    for axes in panels[len(shares) :]:
        axes.set_axis_off()
    panels[0].set_yticks(range(len(ways)), [_LABELS[way] for way in ways])
    panels[0].set_ylim(len(ways) - 0.5, -0.5)
    for axes in panels[-columns:]:
        axes.set_xlabel("bytes (% of whole states)")
    alt = f"{title}. Bytes on disk of each way as a share of those of whole states, a panel a kind of state."
    notes = [*scene.notes(taken, timed=False), "with every dictionary and model", "lines: 95 % intervals over blocks"]
    data: list[tuple[str, ...]] = [
        ("states", "way", "bytes (% of whole states)"),
        *(
            (kind, _LABELS[way], text.significant(share[share["subject"] == way]["share"].mean(), 3))
            for kind, share in shares.items()
            for way in ways
            if way in set(share["subject"])
        ),
    ]
    return [drawing.finish(figure, "density-states-bytes", title, alt, notes, data)]


_FAMILIES = {1: "whole states, packed", 3: "rows", 2: "differences", 5: "only the newest"}


def _family(way: str) -> int:
    """Return the place in the palette of the kind of way this is."""
    for start, place in (("rows", 3), ("difference", 2), ("newest", 5)):
        if way.startswith(start):
            return place
    return 1


def _longest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the most steps, with those in a column."""
    steps = factor(frame, "steps").astype(float)
    return frame[steps == steps.max()].assign(steps=steps.max())


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their bytes in percent of those of whole states in the same block."""
    whole = frame[frame["subject"] == _WHOLE].set_index("block")["value"]
    known = frame[frame["block"].isin(whole.index)]
    return known.assign(share=100 * known["value"] / known["block"].map(whole))


def _restore(scene: Scene, restored: pd.DataFrame) -> list[Drawn]:
    """Draw the time to restore a state over the number of states, a line a way."""
    shown = restored[(factor(restored, "states") == _TITLED) & restored["subject"].isin(_OVER_STEPS)]
    if shown.empty:
        return []
    longest = _longest(shown)
    steps = int(longest["steps"].iloc[0])
    means = longest.groupby("subject")["value"].mean()
    told = ", ".join(
        f"{text.quantity(means[subject], 's')} from {words}"
        for subject, words in (
            (_WHOLE, "whole ones"),
            (_DIFFERENCE, "differences"),
            (_RIVAL, "rows under a dictionary"),
        )
        if subject in means
    )
    title = f"Among {steps} states of a conversation, one is restored in {told}"
    figure, (axes,) = drawing.canvas(title)
    for place, way in enumerate(way for way in _OVER_STEPS if way in set(shown["subject"])):
        mine = shown[shown["subject"] == way]
        values, over = mine["value"] * 1000, factor(mine, "steps").astype(float)
        _line(axes, place, values, over, _LABELS[way])
    drawing.logarithmic(axes, "x", "y")
    there = sorted(set(factor(shown, "steps")))
    axes.set_xticks(there, [f"{count:,}" for count in there])
    axes.minorticks_off()
    axes.set_xlabel("states stored")
    axes.set_ylabel("time to restore one of the last (ms)")
    alt = f"{title}. Median time to restore one of the last states over the number of states stored, a line a way."
    notes = [*scene.notes(shown), "points: blocks; bars: 95 % intervals, of fewer than six blocks the range"]
    return [drawing.finish(figure, "density-states-restore", title, alt, notes)]


def _line(axes: Any, place: int, values: pd.Series[float], over: pd.Series[float], label: str) -> None:
    look = drawing.look(place)
    axes.plot(over, values, linestyle="none", markersize=4, alpha=0.35, **look)
    means = values.groupby(over).mean()
    axes.plot(means.index, means, linewidth=1.4, markersize=6, markeredgecolor="white", label=label, **look)
    for at, some in values.groupby(over):
        axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
