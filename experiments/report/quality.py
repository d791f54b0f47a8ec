"""How good a run's measurements are: equals that differ, blocks that differ, and trials that had to warm up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import drift
from experiments.analysis.multiplicity import FALSE_SHARE
from experiments.analysis.run import Run
from experiments.report import drawing, provenance, text
from experiments.report.drawing import Drawn


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The pace of each block, over all cells of a study together, in one measure; ``seen`` says which blocks differ."""

    study: str
    measure: str
    cells: int
    pace: list[str]
    seen: str


class WarmUp(msgspec.Struct, frozen=True, kw_only=True):
    """How many first requests of a user were slower than the rest."""

    place: str
    subject: str
    requests: int
    warm_up: str


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run's figures can be compared. ``equals`` is a sentence, empty without A/A arms."""

    equals: str
    paces: list[Pace]
    warm_ups: list[WarmUp]
    figures: list[Drawn]


def quality(run: Run, primary: Mapping[str, Sequence[str]]) -> Quality:
    """Return how equals, blocks and first requests differ, in each study's ``primary`` measures."""
    paces = drift.paces(run.measures, primary)
    return Quality(
        equals=equals(run, primary),
        paces=[_pace(run, one) for one in paces.to_dict("records")],
        warm_ups=[
            WarmUp(
                place=text.plain(f"{provenance.title(run, one['run'], one['study'])}: {one['condition']}"),
                subject=text.plain(one["subject"]),
                requests=one["requests"],
                warm_up="not settled by the middle" if pd.isna(one["warm_up"]) else f"{one['warm_up']:g}",
            )
            for one in drift.warm_ups(run.requests).to_dict("records")
        ],
        figures=_drawn(run, paces),
    )


def equals(run: Run, primary: Mapping[str, Sequence[str]]) -> str:
    """Return how many A/A comparisons miss 1, in a sentence; nothing where there are none."""
    arms = run.noise.table(primary)
    judged = arms[arms["floor"].notna()]
    if judged.empty:
        return ""
    return (
        f"{int(judged['differ'].sum())} of {len(judged)} A/A comparisons have an interval that misses 1, though "
        f"they compare equals; {len(judged) / 20:.1f} are expected by chance."
    )


def _pace(run: Run, one: Mapping[Hashable, Any]) -> Pace:
    words_by_test = {
        "alike_p": "blocks differ",
        "drift_p": "they drift in one direction",
        "first_p": "the first is unlike the rest",
    }
    seen = [words for name, words in words_by_test.items() if one[name] <= FALSE_SHARE]
    return Pace(
        study=text.plain(provenance.title(run, one["run"], one["study"])),
        measure=metrics.get(one["metric"]).title,
        cells=one["cells"],
        pace=[f"× {text.significant(each)}" for each in one["pace"]],
        seen="; ".join(seen) or "no difference seen",
    )


def _drawn(run: Run, paces: pd.DataFrame) -> list[Drawn]:
    differing = paces[paces["alike_p"] <= FALSE_SHARE].to_dict("records")
    differing = [one | {"study": provenance.title(run, one["run"], one["study"])} for one in differing]
    if not differing:
        return []
    # Each study by the measure in which its blocks differ most.
    differing.sort(key=_width, reverse=True)
    shown = {one["study"]: one for one in reversed(differing)}
    widest = differing[0]
    measure = metrics.get(widest["metric"]).title.lower()
    title = (
        f"Blocks differ by up to × {text.significant(_width(widest))} ({widest['study']}, {measure}): "
        "what is compared within a block is spared that"
    )
    with drawing.style():
        figure, [axes] = drawing.canvas(title, height=3.4 + 0.18 * len(shown))
        for place, one in enumerate(shown.values()):
            blocks = range(1, len(one["pace"]) + 1)
            label = f"{one['study']}: {metrics.get(one['metric']).title.lower()}"
            axes.plot(blocks, one["pace"], label=label, linewidth=1.4, **drawing.look(place))
        axes.axhline(1.0, color=drawing.GREY, linewidth=0.8)
        axes.set_xticks(range(1, 1 + max(len(one["pace"]) for one in shown.values())))
        axes.set_xlabel("block")
        axes.set_ylabel("all cells of the study together,\nagainst their mean over blocks")
        notes = [
            "the primary measure of each study whose blocks differ most; each block has a workload of its own, too"
        ]
        alt = f"{title}. A line a study over the blocks, around 1."
        return [drawing.finish(figure, "pace", title, alt, notes)]


def _width(one: Mapping[Hashable, Any]) -> float:
    return float(max(one["pace"]) / min(one["pace"]))
