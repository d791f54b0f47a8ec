"""How much of a conversation is remembered: by length, lookup, pruning, stores alone, model that answers, and kind."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments import metrics
from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import kinds, own_words
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_DEPTHS = {"evidence_in_3": "found", "evidence_in_prompt": "in the prompt", "right_answers": "answered rightly"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the parts ``evidence`` and ``answers``, as far as there are records."""
    return [*_depths(scene), *_settings(scene), *_evidence(scene), *own_words.draw(scene), *kinds.draw(scene)]


def _depths(scene: Scene) -> list[Drawn]:
    """Draw each system as it is by default, a panel a depth."""
    frames = {metric: scene.measured(metric, part="answers") for metric in _DEPTHS}
    shown = {
        metric: frame[~frame["subject"].str.contains("+", regex=False)]
        for metric, frame in frames.items()
        if not frame.empty
    }
    if not shown:
        return []
    title = f"What is remembered after {_longest(shown['evidence_in_prompt']):,} turns: " + "; ".join(
        f"{_DEPTHS[metric]}: {_shares_listed(scene, frame)}" for metric, frame in shown.items()
    )
    figure, panels = drawing.canvas(title, len(shown), height=3.9, sharey=True)
    for axes, (metric, frame) in zip(panels, shown.items(), strict=True):
        _over_turns(axes, scene, frame)
        axes.set_title(_DEPTHS[metric])
        if metric == "evidence_in_prompt":
            claim = claims.get("S0-context")
            if claim.before and claim.after:
                low, high = claim.before[0], claim.after[0]
                drawing.ends(axes, claim, low, high, f"published understanding: {low:g} % → {high:g} %", "y")
    panels[0].set_ylabel("questions (%)")
    panels[0].set_ylim(-2, 102)
    alt = f"{title}. Shares of questions over the length of the conversation, a panel a depth."
    return [drawing.finish(figure, "memory-quality", title, alt, _notes(scene, *shown.values()))]


def _settings(scene: Scene) -> list[Drawn]:
    """Draw every lookup and pruning side by side, after the longest conversation for which they were varied."""
    every = scene.measured("evidence_in_prompt", part="answers")
    varied = every[every["subject"].str.contains("+", regex=False)]
    if varied.empty:
        return []
    turns = _longest(varied)
    varied_metrics = ("evidence_in_prompt", "right_answers")
    frames = {metric: scene.measured(metric, part="answers", turns=turns) for metric in varied_metrics}
    shown = {metric: frame for metric, frame in frames.items() if not frame.empty}
    subjects = scene.subjects(shown["evidence_in_prompt"]["subject"])
    means = shown["evidence_in_prompt"].groupby("subject")["value"].mean()
    best, least = str(means.idxmax()), str(means.idxmin())
    title = (
        f"After {turns:,} turns the evidence is in the prompt of {text.share(means[best])} of the questions at best "
        f"({best}), {text.share(means[least])} at worst ({least})"
    )
    figure, (axes,) = drawing.canvas(title, height=2.2 + 0.3 * len(subjects))
    for place, (metric, frame) in enumerate(shown.items()):
        for row, subject in enumerate(subjects):
            values = frame[frame["subject"] == subject]["value"] * 100
            if not values.empty:
                at = row + 0.2 * (place - (len(shown) - 1) / 2)
                look = drawing.look(place + 1)
                axes.plot(values, [at] * len(values), linestyle="none", markersize=4, alpha=0.35, **look)
                axes.plot(
                    *(interval(values), [at, at]), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt"
                )
                axes.plot(
                    [values.mean()], [at], linestyle="none", markersize=7, markeredgecolor="white",
                    label=metrics.get(metric).title.lower(), **look,
                )  # fmt: skip
    axes.set_yticks(range(len(subjects)), [text.plain(subject) for subject in subjects])
    axes.invert_yaxis()
    axes.set_xlim(-2, 102)
    axes.set_xlabel("questions (%)")
    alt = f"{title}. Shares of questions, a line a system and its settings."
    return [drawing.finish(figure, "memory-quality-settings", title, alt, _notes(scene, *shown.values()))]


def _evidence(scene: Scene) -> list[Drawn]:
    """Draw the recall of the stores by themselves, beside the time of a lookup."""
    shown, slow = scene.measured("evidence_in_10", part="evidence"), scene.measured("retrieval_p95", part="evidence")
    if shown.empty:
        return []
    title = f"Evidence among ten found after {_longest(shown):,} turns: {_shares_listed(scene, shown)}"
    figure, (axes, beside) = drawing.canvas(title, 2, height=4.3)
    _over_turns(axes, scene, shown)
    axes.set_ylim(-2, 102)
    axes.set_ylabel("questions whose evidence is found (%)")
    _over_turns(beside, scene, slow, scale=1_000)
    drawing.logarithmic(beside, "y")
    beside.set_ylabel("time of a lookup, P95 (ms)")
    alt = f"{title}. Share of questions whose evidence is found, and time of a lookup, over the conversation's length."
    return [drawing.finish(figure, "memory-evidence", title, alt, _notes(scene, shown))]


def _over_turns(axes: Any, scene: Scene, frame: pd.DataFrame, scale: float = 100) -> None:
    """Draw a line a subject through its means, with intervals, and a faint point a block."""
    for subject in scene.subjects(frame["subject"]):
        mine = frame[frame["subject"] == subject]
        values, turns = mine["value"] * scale, factor(mine, "turns").astype(float)
        look = drawing.look(scene.place(subject))
        axes.plot(turns, values, linestyle="none", markersize=4, alpha=0.35, **look)
        means = values.groupby(turns).mean()
        axes.plot(
            means.index, means, linewidth=1.4, markersize=6, markeredgecolor="white", label=text.plain(subject), **look
        )
        for at, some in values.groupby(turns):
            axes.plot([at, at], interval(some), marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
    drawing.logarithmic(axes, "x")
    there = sorted(set(factor(frame, "turns")))
    axes.set_xticks(there, [f"{turns:,}" for turns in there])
    axes.set_xlabel("turns of the conversation")


def _longest(frame: pd.DataFrame) -> int:
    return int(max(factor(frame, "turns")))


def _shares_listed(scene: Scene, frame: pd.DataFrame) -> str:
    means = frame[factor(frame, "turns") == _longest(frame)].groupby("subject")["value"].mean()
    return ", ".join(f"{subject} {text.share(means[subject])}" for subject in scene.subjects(means.index))


def _notes(scene: Scene, *shown: pd.DataFrame) -> list[str]:
    return [*scene.notes(*shown), "points: blocks; lines: 95 % intervals, of fewer than six blocks the range"]
