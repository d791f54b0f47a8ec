"""What becomes of a conversation that outgrows the context: a word for each system, endpoint and condition."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.patches import Rectangle

from experiments.analysis.frames import where
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import CONDITIONS, in_words, ordered
from experiments.report.scene import Scene
from experiments.workloads.framework_levels import FULL_CONTEXT, REFUSES, TRIMS, WINDOWS, FullContext

_PART = "overflow"
# How each outcome is told in a field, and its colour.
_FIELDS: Mapping[FullContext, tuple[str, str]] = {
    "truncated": ("cut by the system,\nin silence", "#009E73"),
    "growth": ("grows; cut by the\nendpoint, in silence", "#E69F00"),
    "refused": ("refused,\nthe user is told", "#56B4E9"),
    "error": ("another\nerror", "#D55E00"),
}
_ENDPOINTS = {REFUSES: "refuses what is too long", TRIMS: "drops the oldest"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the table of outcomes, if there are records."""
    frames = {outcome: scene.measured(f"overflow_{outcome}", part=_PART) for outcome in FULL_CONTEXT}
    shown = frames["refused"]
    if shown.empty:
        return []
    systems = ordered(scene, shown)
    columns = [(end, window) for end in _ENDPOINTS for window in CONDITIONS.of(where(shown, endpoint=end))]
    answered = scene.measured("overflow_answered", part=_PART)
    end, window = columns[0]
    means = where(answered, endpoint=end, window=window).groupby("subject")["value"].mean()
    title = (
        f"A context is full, and an endpoint {_ENDPOINTS[end]}: {in_words(window)} turns are lost by "
        f"{(means < 1).sum()} of {len(means)} systems; the others forget in silence"
    )
    figure, (axes,) = drawing.canvas(title, height=1.7 + 0.5 * len(systems))
    rows: list[tuple[str, ...]] = [
        ("system", *(f"an endpoint that {_ENDPOINTS[end]}, {WINDOWS[window]}" for end, window in columns))
    ]
    for at, system in enumerate(systems):
        words = []
        for column, (end, window) in enumerate(columns):
            outcome = _outcome(frames, system, end, window)
            said, colour = _FIELDS[outcome] if outcome else ("", "#ffffff")
            words.append(said.replace("\n", " "))
            if outcome:
                axes.add_patch(
                    Rectangle((column - 0.48, at - 0.45), 0.96, 0.9, facecolor=colour, alpha=0.3, linewidth=0)
                )
                axes.text(column, at, said, ha="center", va="center", fontsize=7.5)
        rows.append((system, *words))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(systems) - 0.5, -0.5)
    named = [textwrap.fill(f"{_ENDPOINTS[end]}, {WINDOWS[window]}", 20) for end, window in columns]
    axes.set_xticks(range(len(columns)), named)
    axes.set_yticks(range(len(systems)), systems)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    alt = f"{title}. What becomes of a conversation that outgrows the context, a row a system, a column a condition."
    return [drawing.finish(figure, "frameworks-overflow", title, alt, scene.notes(shown, timed=False), rows)]


def _outcome(frames: Mapping[FullContext, pd.DataFrame], system: str, end: str, window: int) -> FullContext | None:
    """Return the outcome that most trials had; None where there is none."""
    means = {}
    for outcome, frame in frames.items():
        here = where(frame[frame["subject"] == system], endpoint=end, window=window)["value"]
        if here.sum() > 0:
            means[outcome] = float(here.mean())
    return max(means, key=lambda outcome: means[outcome], default=None)
