"""What becomes of a conversation that outgrows the context: a word for each system, endpoint and condition."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.patches import Rectangle

from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import CONDITIONS, ordered
from experiments.report.scene import Scene, factor

_PART = "overflow"
_OUTCOMES = {
    "truncated": ("cut by the system,\nin silence", "#009E73"),
    "growth": ("grows; cut by the\nendpoint, in silence", "#E69F00"),
    "refused": ("refused,\nthe user is told", "#56B4E9"),
    "error": ("another\nerror", "#D55E00"),
}
_ENDPOINTS = {"refuses": "refuses what is too long", "trims": "drops the oldest"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the table of outcomes, if there are records."""
    frames = {outcome: scene.measured(f"overflow_{outcome}", part=_PART) for outcome in _OUTCOMES}
    shown = frames["refused"]
    if shown.empty:
        return []
    systems = ordered(scene, shown)
    columns = [
        (endpoint, window)
        for endpoint in _ENDPOINTS
        for window in CONDITIONS
        if ((factor(shown, "endpoint") == endpoint) & (factor(shown, "window") == window)).any()
    ]
    answered = scene.measured("overflow_answered", part=_PART)
    lost = [name for name in systems if answered.loc[answered["subject"] == name, "value"].min() < 1]
    title = f"A context is full: turns are lost by {len(lost)} of {len(systems)} systems; the others forget in silence"
    figure, (axes,) = drawing.canvas(title, height=1.7 + 0.5 * len(systems))
    rows: list[tuple[str, ...]] = [
        ("system", *(f"an endpoint that {_ENDPOINTS[end]}, {CONDITIONS[window]}" for end, window in columns))
    ]
    for at, system in enumerate(systems):
        words = []
        for column, (endpoint, window) in enumerate(columns):
            outcome = _outcome(frames, system, endpoint, window)
            said, colour = _OUTCOMES[outcome] if outcome else ("", "#ffffff")
            words.append(said.replace("\n", " "))
            if outcome:
                axes.add_patch(
                    Rectangle((column - 0.48, at - 0.45), 0.96, 0.9, facecolor=colour, alpha=0.3, linewidth=0)
                )
                axes.text(column, at, said, ha="center", va="center", fontsize=7.5)
        rows.append((system, *words))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(systems) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [f"{_ENDPOINTS[end]},\n{CONDITIONS[window]}" for end, window in columns])
    axes.set_yticks(range(len(systems)), systems)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    alt = f"{title}. What becomes of a conversation that outgrows the context, a row a system, a column a condition."
    return [drawing.finish(figure, "frameworks-overflow", title, alt, scene.notes(shown, timed=False), rows)]


def _outcome(frames: dict[str, pd.DataFrame], system: str, endpoint: str, window: int) -> str:
    """Return the outcome that most trials had; nothing where there is none."""
    means = {outcome: _mean(frame, system, endpoint, window) for outcome, frame in frames.items()}
    known = {outcome: mean for outcome, mean in means.items() if mean is not None and mean > 0}
    return max(known, key=lambda outcome: known[outcome], default="")


def _mean(frame: pd.DataFrame, system: str, endpoint: str, window: int) -> float | None:
    here = (frame["subject"] == system) & (factor(frame, "endpoint") == endpoint) & (factor(frame, "window") == window)
    values: Iterable[float] = frame.loc[here, "value"]
    found = list(values)
    return sum(found) / len(found) if found else None
