"""Load: the whole distribution of latency per number of users, and throughput and first token beside each other.

Conditions with a simulated engine are drawn apart; where no model ran, the title says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_WORKS = ("inference", "simulation")
_STEPS = 400  # more steps in a line of a distribution cannot be seen


def draw(scene: Scene) -> list[Drawn]:
    """Return two figures for each kind of work there are records of."""
    return [drawn for work in _WORKS for drawn in (*_distributions(scene, work), *_throughput(scene, work))]


def _distributions(scene: Scene, work: str) -> list[Drawn]:
    shown = scene.asked(work=work)
    if shown.empty:
        return []
    levels = sorted(set(factor(shown, "users")))
    medians = scene.measured("latency_p50", work=work)
    most = medians[factor(medians, "users") == levels[-1]].groupby("subject")["value"].median()
    said = ", ".join(f"{subject} {text.quantity(most[subject], 's')}" for subject in scene.subjects(most.index))
    title = f"{scene.lead(shown)}Median latency at {levels[-1]} users: {said}"
    figure, panels = drawing.canvas(title, len(levels), sharey=True)
    for axes, users in zip(panels, levels, strict=True):
        here = shown[factor(shown, "users") == users]
        for subject in scene.subjects(here["subject"]):
            color = drawing.look(scene.place(subject))["color"]
            line = ("-", "--", "-.", ":")[scene.place(subject) % 4]
            for _, block in here[here["subject"] == subject].groupby("block"):
                axes.plot(
                    *_distribution(block["latency_s"].to_numpy(dtype=float)),
                    drawstyle="steps-post", color=color, linestyle=line, linewidth=1.2, alpha=0.7,
                    label=f"{text.plain(subject)}, a line a block",
                )  # fmt: skip
        axes.set_title(f"{users} user{'s' if users != 1 else ''}")
        drawing.logarithmic(axes, "x")
        axes.set_xlabel("latency (s)")
    panels[0].set_ylabel("share of answered requests")
    alt = f"{title}. Distribution of latency from the intended start, a panel a number of users."
    return [drawing.finish(figure, f"load-latency-{work}", title, alt, scene.notes(shown))]


def _distribution(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the empirical distribution: the values, and the share of values up to each."""
    count = len(values)
    kept = np.unique(np.linspace(0, count - 1, min(_STEPS, count)).round().astype(int))
    ordered = np.sort(values)[kept]
    return np.concatenate([ordered[:1], ordered]), np.concatenate([[0.0], (kept + 1) / count])


def _throughput(scene: Scene, work: str) -> list[Drawn]:
    rate, first = scene.measured("throughput", work=work), scene.measured("time_to_first_token_p50", work=work)
    if rate.empty:
        return []
    most = max(factor(rate, "users"))
    there = rate[factor(rate, "users") == most].groupby("subject")["value"].median()
    said = ", ".join(f"{subject} {text.quantity(there[subject], '1/s')}" for subject in scene.subjects(there.index))
    title = f"{scene.lead(rate)}Median throughput at {most} users: {said}"
    figure, panels = drawing.canvas(title, 2 if len(first) else 1)
    _against_users(panels[0], scene, rate)
    panels[0].set_ylabel("answered requests a second")
    if len(first):
        _against_users(panels[1], scene, first)
        panels[1].set_ylabel("time to first token, P50 (s)")
    alt = f"{title}. Throughput and time to first token over the number of users, points are blocks."
    return [drawing.finish(figure, f"load-throughput-{work}", title, alt, scene.notes(rate))]


def _against_users(axes: Axes, scene: Scene, shown: Any) -> None:
    levels = sorted(set(factor(shown, "users")))
    for subject in scene.subjects(shown["subject"]):
        look = drawing.look(scene.place(subject))
        group = shown[shown["subject"] == subject]
        places = factor(group, "users").map(levels.index)
        axes.plot(places, group["value"], linestyle="none", markersize=4, alpha=0.35, **look)
        medians = group["value"].groupby(places.astype(int)).median()
        axes.plot(
            medians.index,
            medians,
            linewidth=1.4,
            markeredgecolor="white",
            label=f"{text.plain(subject)} (median; points: blocks)",
            **look,
        )
    axes.set_xticks(range(len(levels)), [str(level) for level in levels])
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    axes.set_xlabel("users at once")
