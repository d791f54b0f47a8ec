"""Concise prompts: what share of tokens and time they save, over the data beside them and the length of the reply."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.analysis.frames import where
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, changes, curve
from experiments.report.scene import Scene, factor

_PART, _WORK, _VERBOSE, _CONCISE = "prompts", "forced", "verbose", "concise"
_TOKENS = {"asked_tokens": "instruction and data", "call_tokens": "whole call: template and reply besides"}
_TIMES = {"latency_p50": "whole reply", "time_to_first_token_p50": "first token"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of tokens and the one of times, as far as there are records."""
    return [*_tokens(scene), *_times(scene)]


def _saved(scene: Scene, metric: str, over_factor: str, *, kept: bool = False) -> pd.DataFrame:
    """Return the change of ``metric`` in every block and condition, with the factor that it is drawn over."""
    found = scene.measured(metric, part=_PART, work=_WORK, kept=kept)
    if found.empty:
        return found.assign(at=[], change=[])
    saved = changes(found, _VERBOSE, _CONCISE)
    return saved.assign(at=factor(saved, over_factor))


def _tokens(scene: Scene) -> list[Drawn]:
    """Draw the change in tokens over the data, beside the shortest reply."""
    shown = {words: _shortest(_saved(scene, metric, "data"), "reply") for metric, words in _TOKENS.items()}
    asked = shown[_TOKENS["asked_tokens"]]
    if asked.empty:
        return []
    means = asked.groupby("at")["change"].mean()
    told = ", ".join(f"{text.percent(change)} {_beside(int(str(data)))}" for data, change in means.items())
    title = f"Asked in few words, the tokens of instruction and data change by {told}"
    figure, [axes] = drawing.canvas(title, height=4.2)
    _lines(axes, shown)
    drawing.band(axes, claims.get("S4-prompt"))
    axes.set_xlabel("tokens of data in the prompt")
    axes.set_ylabel("change in tokens (%)")
    alt = f"{title}. The change in percent over the tokens of data, and the published figure."
    notes = [*scene.notes(asked, timed=False), INTERVALS]
    return [drawing.finish(figure, "strategies-prompts", title, alt, notes)]


def _times(scene: Scene) -> list[Drawn]:
    """Draw the change in time over the data beside the shortest reply, and over the reply beside usual data."""
    data = {words: _shortest(_saved(scene, metric, "data"), "reply") for metric, words in _TIMES.items()}
    replies = {words: _saved(scene, metric, "reply") for metric, words in _TIMES.items()}
    latency = data[_TIMES["latency_p50"]]
    if latency.empty:
        return []
    usual = _usual_data(replies[_TIMES["latency_p50"]])
    replies = {words: frame[factor(frame, "data") == usual] for words, frame in replies.items()}
    means = latency.groupby("at")["change"].mean()
    first, last = means.index.min(), means.index.max()
    shortest = min(factor(latency, "reply"))
    title = (
        f"{scene.lead(latency)}A reply of {shortest} tokens to few words changes in time by "
        f"{text.percent(means[first])} {_beside(first)}"
        + (f", {text.percent(means[last])} {_beside(last)}" if last != first else "")
    )
    figure, panels = drawing.canvas(title, 2, sharey=True, height=4.0)
    for axes, shown, label in zip(
        panels, (data, replies), ("tokens of data", "tokens of the reply, forced"), strict=True
    ):
        _lines(axes, shown)
        drawing.band(axes, claims.get("S4-prompt-lat"))
        axes.set_xlabel(label)
    panels[0].set_title(f"reply of {shortest} tokens")
    panels[1].set_title(f"{usual} tokens of data")
    panels[0].set_ylabel("change in time (%)")
    alt = f"{title}. Left the change over the data, right over the length of the reply, with the published figure."
    notes = [*scene.notes(latency), INTERVALS]
    return [drawing.finish(figure, "strategies-prompts-time", title, alt, notes)]


def _beside(data: int) -> str:
    return f"beside {data} tokens of data" if data else "without data"


def _shortest(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows with the least of a factor."""
    if frame.empty:
        return frame
    least = min(factor(frame, name))
    return where(frame, **{name: least})


def _usual_data(frame: pd.DataFrame) -> int:
    """Return beside how much data most lengths of replies were forced."""
    amounts = factor(frame, "data").astype(int)
    found: int = max(set(amounts), key=lambda amount: (frame[amounts == amount]["at"].nunique(), -amount))
    return found


def _lines(axes: Axes, shown: dict[str, pd.DataFrame]) -> None:
    """Draw a line a measure over evenly spaced levels, which are far apart as numbers."""
    levels = sorted({int(at) for frame in shown.values() for at in frame["at"]})
    for place, (words, frame) in enumerate(shown.items()):
        curve(axes, place, frame["change"], frame["at"].map(lambda at: levels.index(int(at))), words)
    axes.set_xticks(range(len(levels)), [f"{level:,}" for level in levels])
    axes.axhline(0, color=drawing.GREY, linewidth=0.8)
