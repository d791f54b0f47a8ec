"""Distributions of latency, not only means: how many requests each subject answers by when, and the ratio by quantile.

Quantiles are those of each block, of all its requests together; what is compared is compared within blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from experiments.analysis.intervals import Estimate
from experiments.analysis.order import reference
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

Array = npt.NDArray[np.float64]

_MOST_SHARES = 50  # more steps cannot be seen
_SAID = (0.1, 0.5, 0.9)
_NARROW = 5
_DASHES = ("-", "--", "-.", ":")
_PERCENT = PercentFormatter(1, symbol="\u00a0%")


def draw(scene: Scene, name: str, panels: Mapping[str, pd.DataFrame], looks: Mapping[str, Mapping[str, Any]]) -> Drawn:
    """Return one figure of requests, a column a condition: their latencies, and below them the ratio to the reference.

    ``looks`` are the subjects to show, in order. The title is of the last condition.
    """
    every = pd.concat(panels.values())
    base = reference(every["subject"], scene.references)
    rows = 2 if base is not None and set(every["subject"]) & looks.keys() - {base} else 1
    *_, (last, shown) = panels.items()
    title = f"{scene.lead(every)}How long requests take, {last}: {_median_latencies(shown, base, looks)}"
    figure, axes = drawing.canvas(
        title, len(panels), rows=rows, height=1.6 + 2.2 * rows, sharex="row" if rows == 1 else False, sharey="row"
    )
    for place, (condition, here) in enumerate(panels.items()):
        blocks = {subject: _by_block(here[here["subject"] == subject]) for subject in looks}
        _latencies(axes[place], blocks, looks)
        if len(panels) > 1:
            axes[place].set_title(condition)
        if rows == 2 and base is not None:
            _ratios(axes[len(panels) + place], blocks, looks, base)
    axes[0].set_ylabel("share answered by then")
    if rows == 2:
        axes[len(panels)].set_ylabel(f"latency over\nthat of {text.plain(base)}")
    enough = every["block"].nunique() >= ENOUGH_BLOCKS
    notes = [
        "above: the median block and the range of blocks",
        f"below: at each share of requests, {'with 95 % intervals' if enough else 'with the range of blocks'}",
        *scene.notes(every),
    ]
    alt = f"{title}. Distribution of latency from the intended start, and its ratio by quantile, a column a condition."
    return drawing.finish(figure, name, title, alt, notes if rows == 2 else [notes[0], *scene.notes(every)])


def _by_block(requests: pd.DataFrame) -> dict[int, Array]:
    """Return each block's latencies, in order."""
    by_block = requests.groupby("block")["latency_s"]
    return {int(str(block)): np.sort(latencies.to_numpy(dtype=float)) for block, latencies in by_block}


def _shares(blocks: Mapping[int, Array]) -> Array:
    """Return the shares of requests at which quantiles are taken: no more than the smallest block can tell apart."""
    count = min(_MOST_SHARES, *(len(latencies) for latencies in blocks.values()))
    return (np.arange(count) + 0.5) / count


def _quantiles(blocks: Mapping[int, Array], shares: Array) -> Array:
    """Return a row a block of its latencies at ``shares``."""
    return np.array([np.quantile(latencies, shares, method="inverted_cdf") for latencies in blocks.values()])


def _ends(rows: Array) -> tuple[Array, Array]:
    return rows.min(axis=0), rows.max(axis=0)


def _latencies(axes: Axes, blocks: Mapping[str, dict[int, Array]], looks: Mapping[str, Mapping[str, Any]]) -> None:
    for place, (subject, look) in enumerate(looks.items()):
        if not blocks[subject]:
            continue
        shares = _shares(blocks[subject])
        quantiles = _quantiles(blocks[subject], shares)
        # A distribution is a staircase: from the share before to this one at each latency.
        reached = np.concatenate([[0.0], shares + shares[0]])
        lines = (np.median(quantiles, axis=0), *_ends(quantiles))
        middle, low, high = (line[[0, *range(len(line))]] for line in lines)
        color = look["color"]
        axes.fill_betweenx(reached, low, high, step="pre", color=color, alpha=0.18, linewidth=0)
        line: dict[str, Any] = {"linestyle": _DASHES[place % 4], "color": color, "linewidth": 1.4}
        axes.plot(middle, reached, drawstyle="steps-post", label=text.plain(subject), **line)
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("latency (s)")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(_PERCENT)


def _ratios(
    axes: Axes, blocks: Mapping[str, dict[int, Array]], looks: Mapping[str, Mapping[str, Any]], base: str
) -> None:
    axes.axhline(1, color=looks[base]["color"] if base in looks else drawing.GREY, linewidth=1)
    for place, (subject, look) in enumerate(looks.items()):
        shared = blocks[subject].keys() & blocks.get(base, {}).keys()
        if subject == base or not shared:
            continue
        shares, logs = _compared(blocks[subject], blocks[base], shared)
        low, high = Estimate(logs.T).interval() if len(shared) >= ENOUGH_BLOCKS else _ends(logs)
        color = look["color"]
        axes.fill_between(shares, np.exp(low), np.exp(high), color=color, alpha=0.18, linewidth=0)
        line: dict[str, Any] = {"linestyle": _DASHES[place % 4], "color": color, "linewidth": 1.4}
        axes.plot(shares, np.exp(logs.mean(axis=0)), **line)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel("requests, fastest first")
    drawing.logarithmic(axes, "y")
    bottom, top = axes.get_ylim()
    if top < _NARROW * bottom:  # marks for 1, 2 and 5 of each decade would leave one or none
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.yaxis.set_minor_locator(NullLocator())


def _compared(ours: Mapping[int, Array], theirs: Mapping[int, Array], shared: set[int]) -> tuple[Array, Array]:
    """Return shares, and a row a block of the logarithms of the ratios there."""
    pair = [{block: one[block] for block in sorted(shared)} for one in (ours, theirs)]
    shares = min(map(_shares, pair), key=len)
    mine, base = (_quantiles(one, shares) for one in pair)
    return shares, np.log(mine / base)


def _median_latencies(shown: pd.DataFrame, base: str | None, looks: Mapping[str, Mapping[str, Any]]) -> str:
    blocks = {subject: _by_block(shown[shown["subject"] == subject]) for subject in looks}
    there = [subject for subject in looks if blocks[subject]]
    medians = {one: float(np.median([np.median(latencies) for latencies in blocks[one].values()])) for one in there}
    listed = "median latency " + ", ".join(f"{one} {text.quantity(medians[one], 's')}" for one in there)
    others = [one for one in there if one != base and base in there and blocks[one].keys() & blocks[str(base)].keys()]
    if len(others) != 1 or base is None:
        return listed
    [other] = others
    shares, logs = _compared(blocks[other], blocks[base], blocks[other].keys() & blocks[base].keys())
    ratios = np.exp(logs.mean(axis=0))
    ends = ", ".join(
        f"× {text.significant(float(ratios[np.abs(shares - share).argmin()]))} at {100 * share:g}\u00a0%"
        for share in _SAID
    )
    return f"{listed}; ratio by quantile {ends}"
