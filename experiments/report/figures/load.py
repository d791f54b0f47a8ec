"""Load: latency whole, throughput and goodput over users, the objective, open arrivals, and the ablation ladder.

Conditions with a simulated engine are drawn apart; where no model ran, the title says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import capacity, claims
from experiments.metrics.objective import ENOUGH, FIRST_TOKEN_S, REPLY_S
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import distributions, ladders, timelines
from experiments.report.figures._search import search
from experiments.report.figures.ladders import CLOSED
from experiments.report.scene import Scene, factor

_WORKS = ("inference", "simulation", "serial simulation")
_KINDS = {"poisson": "Poisson", "bursts": "bursts"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of each kind of work there are records of."""
    kinds: tuple[Callable[[Scene, str], Iterable[Drawn]], ...] = (
        _throughput,
        ladders.agent_and_engine,
        _distributions,
        _objective,
        _open,
        search,
        _timelines,
        ladders.mechanisms,
        ladders.engines,
    )
    return [drawn for work in _WORKS for kind in kinds for drawn in kind(scene, work)]


def _name(what: str, work: str) -> str:
    return f"load-{what}-{text.slug(work)}"


def _looks(scene: Scene, shown: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return each subject's colour and marker: the ladder shares conditions with everyone and must not shift them."""
    return {subject: drawing.look(place) for place, subject in enumerate(scene.subjects(shown["subject"]))}


def _distributions(scene: Scene, work: str) -> list[Drawn]:
    shown = scene.asked(work=work, **CLOSED)
    if shown.empty:
        return []
    users = factor(shown, "users")
    levels = sorted(set(users))
    # The first, the last, and the one nearest to the middle between them.
    chosen = [levels[place] for place in sorted({0, len(levels) // 2, len(levels) - 1})]
    panels = {f"{level} user{'s' if level != 1 else ''}": shown[users == level] for level in chosen}
    return [distributions.draw(scene, _name("latency", work), panels, _looks(scene, shown))]


def _timelines(scene: Scene, work: str) -> list[Drawn]:
    shown = scene.measured("group_peak_memory", work=work, **CLOSED)
    if shown.empty:
        return []
    users = factor(shown, "users")
    return timelines.draw(scene, _name("timeline", work), f"{users.max()} users", shown[users == users.max()])


def _throughput(scene: Scene, work: str) -> list[Drawn]:
    rate, good = (scene.measured(metric, work=work, **CLOSED) for metric in ("throughput", "goodput"))
    change = scene.compared("throughput", work=work, **CLOSED)
    if rate.empty:
        return []
    most = max(factor(rate, "users"))
    there = rate[factor(rate, "users") == most].groupby("subject")["value"].median()
    listed = ", ".join(f"{subject} {text.quantity(there[subject], '1/s')}" for subject in scene.subjects(there.index))
    title = f"{scene.lead(rate)}Median throughput at {most} users: {listed}"
    looks = _looks(scene, rate)
    figure, panels = drawing.canvas(title, 2 if len(change) else 1, height=3.9 + 0.25 * max(0, len(looks) - 3))
    _against_users(panels[0], rate, looks, "throughput")
    _against_users(panels[0], good, looks, "goodput: within the objective", linestyle="--", fillstyle="none")
    panels[0].set_ylim(0, 1.08 * panels[0].get_ylim()[1])
    panels[0].set_ylabel("answered requests a second")
    if len(change):
        drawing.band(panels[1], claims.get("S0-concurrency"))
        panels[1].axhline(0, color=drawing.GREY, linewidth=0.8)
        _against_users(panels[1], change.assign(value=(change["ratio"] - 1) * 100), looks, "throughput")
        panels[1].set_ylabel(f"change against {text.plain(change['reference'].iloc[0])} (%)")
    alt = f"{title}. Throughput and goodput over the number of users, and the change of throughput; points are blocks."
    notes = [_objective_note(), *_turns_notes(rate), *scene.notes(rate)]
    return [drawing.finish(figure, _name("throughput", work), title, alt, notes)]


def _objective(scene: Scene, work: str) -> list[Drawn]:
    share = capacity.shares(scene.trials, scene.measures)
    share = share[[_closed(given, work) for given in share["factors"]]]
    first = scene.measured("time_to_first_token_p50", work=work, **CLOSED)
    if share.empty or first.empty:
        return []
    looks = _looks(scene, share)
    listed = []
    for subject in looks:
        mine = share[share["subject"] == subject]
        best = capacity.highest(factor(mine, "users").tolist(), mine["value"].tolist())
        listed.append(f"{subject} {f'{best:g}' if best else 'none'}")
    title = f"{scene.lead(first)}Most users within the objective, of the levels tried: {', '.join(listed)}"
    figure, panels = drawing.canvas(title, 2)
    _against_users(panels[0], share, looks, "")
    panels[0].axhline(ENOUGH, color=drawing.GREY, linewidth=1.2, label=f"{ENOUGH * 100:g} % of requests")
    drawing.band(panels[0], claims.get("S0-users"), "x")
    panels[0].set_ylim(-0.04, 1.04)
    panels[0].set_ylabel("share within the objective")
    _against_users(panels[1], first, looks, "")
    panels[1].axhline(FIRST_TOKEN_S, color="#000000", linestyle=":", label=f"objective: {FIRST_TOKEN_S:g} s")
    drawing.logarithmic(panels[1], "y")
    panels[1].set_ylabel("time to first token, P50 (s)")
    alt = f"{title}. Share of requests that met the objective, and time to first token, over users; points are blocks."
    notes = [_objective_note(), *_turns_notes(share), *scene.notes(share)]
    return [drawing.finish(figure, _name("objective", work), title, alt, notes)]


def _closed(given: dict[str, Any], work: str) -> bool:
    return all(given.get(name) == level for name, level in {"work": work, **CLOSED}.items())


def _objective_note() -> str:
    return f"objective: first token within {FIRST_TOKEN_S:g} s, reply within {REPLY_S:g} s"


def _turns_notes(shown: pd.DataFrame) -> list[str]:
    """Return how levels differ besides their users: in more questions each, and so in longer prompts."""
    asked = dict(sorted(zip(factor(shown, "users"), factor(shown, "turns"), strict=True)))
    if len(set(asked.values())) == 1:
        return []
    return [f"questions each: {', '.join(f'{turns} at {users}' for users, turns in asked.items())}"]


def _open(scene: Scene, work: str) -> list[Drawn]:
    kinds = [kind for kind in _KINDS if len(scene.measured("latency_p95", work=work, arrivals=kind))]
    if not kinds:
        return []
    shown = {kind: scene.asked(work=work, arrivals=kind) for kind in kinds}
    every = pd.concat(shown.values())
    looks = _looks(scene, every)
    most = max(factor(shown[kinds[0]], "rate"))
    worst = scene.measured("latency_p95", work=work, arrivals=kinds[0], rate=most).groupby("subject")["value"].median()
    listed = ", ".join(f"{subject} {text.quantity(worst[subject], 's')}" for subject in scene.subjects(worst.index))
    title = f"{scene.lead(every)}P95 latency at {most:g} arrivals a second ({_KINDS[kinds[0]]}): {listed}"
    figure, panels = drawing.canvas(title, len(kinds), sharey=True)
    for axes, kind in zip(panels, kinds, strict=True):
        middle, high = (scene.measured(name, work=work, arrivals=kind) for name in ("latency_p50", "latency_p95"))
        _lines(axes, middle, factor(middle, "rate"), looks, "P50")
        _lines(axes, high, factor(high, "rate"), looks, "P95", linestyle="--", fillstyle="none")
        axes.set_title(_KINDS[kind])
        axes.set_xlabel("arrivals a second")
        axes.set_xticks(sorted(set(factor(shown[kind], "rate"))))
        axes.margins(x=0.15)
        drawing.logarithmic(axes, "y")
    panels[0].set_ylabel("latency from the intended start (s)")
    alt = f"{title}. Latency from the intended start over the rate of arrivals; points are blocks."
    return [drawing.finish(figure, _name("open", work), title, alt, scene.notes(every))]


def _against_users(axes: Axes, shown: pd.DataFrame, looks: dict[str, dict[str, Any]], words: str, **line: Any) -> None:
    users = factor(shown, "users")
    _lines(axes, shown, users, looks, words, **line)
    axes.set_xscale("log")
    levels = sorted(set(users))
    axes.set_xticks(levels, [str(level) for level in levels], rotation=45)
    axes.minorticks_off()
    axes.set_xlabel("users at once")


def _lines(
    axes: Axes,
    shown: pd.DataFrame,
    levels: pd.Series[Any],
    looks: dict[str, dict[str, Any]],
    words: str,
    *,
    linestyle: str = "-",
    fillstyle: Any = "full",
) -> None:
    """Draw each subject's blocks as points and its medians as a line, over ``levels``."""
    for subject, look in looks.items():
        mine = shown["subject"] == subject
        if not mine.any():
            continue
        at = levels[mine].astype(float)
        values = shown.loc[mine, "value"].astype(float)
        axes.plot(at, values, linestyle="none", markersize=4, alpha=0.35, fillstyle=fillstyle, **look)
        medians = values.groupby(at).median()
        edge: dict[str, Any] = {"markeredgecolor": "white"} if fillstyle == "full" else {}
        name = ", ".join(piece for piece in (text.plain(subject), words) if piece)
        axes.plot(
            medians.index, medians, linewidth=1.4, linestyle=linestyle, fillstyle=fillstyle, label=name, **edge, **look
        )
