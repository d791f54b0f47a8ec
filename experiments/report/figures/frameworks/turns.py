"""A long session: what a turn costs, how memory and disk grow, and what the prompts hold as the turns go by."""

from __future__ import annotations

import numpy as np

from experiments.analysis.frames import where
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import (
    CONDITIONS,
    Panel,
    in_words,
    look,
    ordered,
    rows_of_systems,
    stated,
    told,
)
from experiments.report.scene import Scene, factor
from experiments.workloads.framework_levels import WINDOWS

_PART = "turns"
_POINTS = 40
_COSTS = (
    Panel("turn_cpu", "processor time\na turn (ms)", 1000.0),
    Panel("time_to_first_token_p50", "first token,\nmedian (ms)", 1000.0),
    Panel("system_memory", "resident after\nall turns (MiB)", 2.0**-20),
    Panel("session_disk", "disk a\nsession (MiB)", 2.0**-20, logarithmic=True),
)
_OPEN = (Panel("descriptors", "open files and sockets"), Panel("threads", "threads"))


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``turns``, as far as there are records."""
    return [*_costs(scene), *_prompts(scene), *_open(scene)]


def _costs(scene: Scene) -> list[Drawn]:
    shown = scene.measured("turn_cpu", part=_PART, sessions=1)
    if shown.empty:
        return []
    turns, window = int(factor(shown, "turns").max()), stated(shown)
    costs = told(where(shown, window=window), scene, "s")
    title = f"Of {turns} turns {in_words(window)} each takes processor time of {costs}"
    return rows_of_systems(scene, "frameworks-turns", _PART, _COSTS, title, sessions=1)


def _open(scene: Scene) -> list[Drawn]:
    many = scene.measured("descriptors", part=_PART, turns=1)
    if many.empty:
        return []
    sessions = int(factor(many, "sessions").max())
    title = f"What is open after {sessions} sessions of one turn: descriptors from {told(many, scene, 'count')}"
    return rows_of_systems(scene, "frameworks-open", _PART, _OPEN, title, turns=1)


def _prompts(scene: Scene) -> list[Drawn]:
    shown = scene.measured("prompt_messages_last", part=_PART, sessions=1)
    if shown.empty:
        return []
    windows = CONDITIONS.of(shown)
    # As each comes, where that was measured: one window is one window.
    turns, window = int(factor(shown, "turns").max()), windows[-1]
    messages = told(where(shown, window=window), scene, "count")
    title = f"Messages in the prompt of turn {turns}, {in_words(window)}: {messages}"
    figure, panels = drawing.canvas(title, len(windows), height=4.2, sharey=True)
    for axes, window in zip(panels, windows, strict=True):
        here = where(shown, window=window)
        for system in ordered(scene, shown):
            keys = set(here.loc[here["subject"] == system, "key"])
            parts = [record.part() for record in scene.records if record.key in keys]
            sent = [part.series["prompt_messages"] for part in parts if part and part.series.get("prompt_messages")]
            if not sent:
                continue
            length = min(map(len, sent))
            at = np.unique(np.linspace(0, length - 1, min(_POINTS, length)).round().astype(int))
            mean = np.array([np.array(each)[at] for each in sent]).mean(axis=0)
            every = max(1, len(at) // 5)
            marks = look(scene, system)
            axes.plot(at + 1, mean, linewidth=1.2, markersize=4.5, markevery=every, label=system, **marks)
        axes.set_title(WINDOWS[window])
        axes.set_xlabel("call of the session that asks a question")
    drawing.logarithmic(panels[0], "y")
    panels[0].set_ylabel("messages in the prompt")
    alt = f"{title}. Messages in the prompt over the turns of a session, a line a system, a panel a condition."
    return [drawing.finish(figure, "frameworks-prompts", title, alt, scene.notes(shown, timed=False))]
