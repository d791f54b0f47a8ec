"""Ladders of the load study: mechanisms added or left out, the engine's steps, and what agent and engine each bring."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments import metrics
from experiments.analysis.conclusions import Conclusion
from experiments.analysis.frames import where
from experiments.analysis.scales import ratio
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.rungs import NO_MECHANISM, steps
from experiments.report.scene import Scene, factor

CLOSED: dict[str, Any] = {"arrivals": "closed", "questions": None, "ladder": None, "engines": None}
"""Users in a closed loop, without pauses and repeated questions: the conditions drawn over the number of users."""


class _Row(NamedTuple):
    """A row of a ladder: a subject in one condition."""

    condition: str
    subject: str
    name: str


def mechanisms(scene: Scene, work: str) -> Iterable[Drawn]:
    """Yield the ladders of mechanisms, in both directions."""
    for direction, reference in (("add-one", "none"), ("leave-one-out", "all")):
        rows = where(scene.conclusions, work=work, ladder=direction)
        for given, shown in _systems(rows[rows["reference"] == reference]):
            variants = {name: scene.variants[name] for name in shown["subject"]}
            rungs = shown.assign(mechanism=shown["subject"].map(variants))
            inner = ~rungs["mechanism"].isin(NO_MECHANISM) & (rungs["metric"] == "throughput")
            title = _rungs_title(rungs[inner], direction)
            name = f"ladder-{direction}" + (f"-{given}" if given else "")
            condition = shown["condition"].iloc[0]
            ordered = [_Row(condition, subject, text.plain(subject)) for subject in scene.subjects(shown["subject"])]
            yield _ladder(scene, shown, ordered, title, _name(name, work))


def _systems(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the ladder of each system, with the system's name where there are several."""
    given = rows["factors"].map(lambda factors: factors.get("of", "")).astype(str)
    names = sorted(set(given))
    for name in names:
        yield name if len(names) > 1 else "", rows[given == name]


def engines(scene: Scene, work: str) -> Iterable[Drawn]:
    """Yield the engine's ladder, for each number of users."""
    shown = where(scene.conclusions, work=work, engines="ladder")
    for users in sorted(set(factor(shown, "users"))):
        here = shown[factor(shown, "users") == users]
        reference = here["reference"].iloc[0]
        added = steps(set(here["subject"]), reference, scene.variants, _systems_of(scene))
        listed = ", ".join(_listed(here, {subject: step.removeprefix("+ ") for subject, step in added.items()}))
        title = f"Times the throughput of {text.plain(reference)}, step by step: {listed}"
        rows = [_Row(here["condition"].iloc[0], subject, step) for subject, step in added.items()]
        yield _ladder(scene, here, rows, title, _name(f"engines-{users}", work))


def agent_and_engine(scene: Scene, work: str) -> Iterable[Drawn]:
    """Yield what the agent brings, what the batched engine, and what both, where a system is on it in a closed loop.

    All of it beside the reference on the run's own engine, at each number of users.
    """
    closed = where(scene.conclusions, work=work, **CLOSED)
    variants, systems = scene.variants, _systems_of(scene)
    on_it = closed["subject"].map(variants) == "batched"
    here = closed[closed["condition"].isin(set(closed.loc[on_it, "condition"]))]
    here = here[here["subject"].map(variants).isin(["", "batched"])]
    if here.empty:
        return
    here = here.assign(
        users=factor(here, "users").astype(int),
        batched=here["subject"].map(variants) == "batched",
        brings=[_brings(one, systems, variants) for one in here.to_dict("records")],
        another=here["subject"].map(systems) != here["reference"].map(systems),
    )
    ordered = here.drop_duplicates(["condition", "subject"]).sort_values(["users", "batched", "another", "subject"])
    rows = [
        _Row(
            one["condition"], one["subject"], f"{one['users']} user{'s' if one['users'] != 1 else ''}: {one['brings']}"
        )
        for one in ordered.to_dict("records")
    ]
    users = here["users"].max()
    most = here[here["users"] == users]
    brings = dict(ordered.loc[ordered["users"] == users, ["subject", "brings"]].itertuples(index=False))
    reference = text.plain(most["reference"].iloc[0])
    title = f"Times the throughput of {reference} at {users} users: {', '.join(_listed(most, brings))}"
    yield _ladder(scene, here, rows, title, _name("agent-and-engine", work))


def _brings(one: Mapping[Hashable, Any], systems: Mapping[str, str], variants: Mapping[str, str]) -> str:
    """Return in what a subject differs from its reference."""
    system = systems[one["subject"]]
    agent = "" if system == systems[one["reference"]] else text.plain(system)
    engine = "batched engine" if variants[one["subject"]] == "batched" else ""
    return " + ".join(filter(None, [agent, engine]))


def _systems_of(scene: Scene) -> dict[str, str]:
    """Return the system of each subject, by the subject's name."""
    return dict(zip(scene.trials["subject"], scene.trials["system"].fillna(""), strict=True))


def _listed(shown: pd.DataFrame, added: Mapping[str, str]) -> list[str]:
    """Return each step with its ratio in throughput, as far as there is one."""
    rate = shown[shown["metric"] == "throughput"].set_index("subject")["ratio"].astype(float)
    return [f"{step} ×\u00a0{text.significant(rate[name])}" for name, step in added.items() if name in rate]


def _ladder(scene: Scene, shown: pd.DataFrame, rows: Sequence[_Row], title: str, name: str) -> Drawn:
    reference = shown["reference"].iloc[0]
    title = f"{scene.lead(shown)}{title}"
    wanted = [name for name in ("throughput", "latency_p95") if (shown["metric"] == name).any()]
    figure, panels = drawing.canvas(title, len(wanted), height=1.7 + 0.27 * len(rows), sharey=True)
    for axes, measure in zip(panels, wanted, strict=True):
        here = shown[shown["metric"] == measure].set_index(["condition", "subject"])
        points = scene.ratios[scene.ratios["metric"] == measure]
        floors = here["floor"].dropna()
        if len(floors):
            reach = ratio(floors.max())
            axes.axvspan(
                1 / reach,
                reach,
                color="#d9d9d9",
                linewidth=0,
                zorder=0.5,
                label="noise floor: equals differ by as much",
            )
        axes.axvline(1, color=drawing.GREY, linewidth=0.8)
        for place, (condition, subject, _) in enumerate(rows):
            if (condition, subject) not in here.index:
                continue
            mine = (points["condition"] == condition) & (points["subject"] == subject)
            _forest_row(axes, place, points.loc[mine, "ratio"].tolist(), here.loc[[(condition, subject)]])
        metric = metrics.get(measure)
        # Ratios keep close to 1, where marks for 1, 2 and 5 of each decade would leave one or none.
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.minorticks_off()
        axes.set_title(f"{metric.title} ({metric.better} is better)")
        axes.set_xlabel(f"times that of {text.plain(reference)}")
    panels[0].set_yticks(range(len(rows)), [row.name for row in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    *few, last = sorted(set(factor(shown, "users")))
    users = f"{', '.join(map(str, few))} and {last} users" if few else f"{last} user{'s' if last != 1 else ''}"
    alt = f"{title}. Ratios of throughput and of P95 latency at {users}, a row a subject."
    whole = "bars are 95 % intervals" if shown["low"].notna().any() else "too few blocks for intervals"
    notes = [f"{users} at once; small points are blocks, diamonds geometric means, {whole}", *scene.notes(shown)]
    return drawing.finish(figure, name, title, alt, notes)


def _rungs_title(rungs: pd.DataFrame, direction: str) -> str:
    """Return which mechanisms, added or left out by themselves, move throughput beyond noise.

    Where blocks are too few for a conclusion, return the mechanism that moves it most.
    """
    how = "Added alone" if direction == "add-one" else "Left out of all"
    if rungs.empty:
        return f"{how}: only the ends of the ladder were tried"
    sizes = rungs["ratio"].astype(float).map(math.log).abs()
    largest_first = rungs.assign(size=sizes).sort_values("size", ascending=False)
    moving = largest_first[largest_first["conclusion"].isin([Conclusion.HELPS, Conclusion.HURTS])]
    listed = [
        f"{str(one.mechanism).replace('_', ' ')} ×\u00a0{text.significant(float(str(one.ratio)))}"
        for one in moving.itertuples()
    ]
    if listed:
        return f"{how}, throughput moves beyond noise with {', '.join(listed)}"
    if (largest_first["conclusion"] == Conclusion.INDICATIVE).all():
        first = largest_first.iloc[0]
        name = str(first["mechanism"]).replace("_", " ")
        return f"{how}, {name} moves throughput most: ×\u00a0{text.significant(first['ratio'])}"
    return f"{how}, no mechanism moves throughput beyond noise"


def _forest_row(axes: Axes, row: int, points: Sequence[float], summed: pd.DataFrame) -> None:
    [[ratio, low, high]] = summed[["ratio", "low", "high"]].astype(float).to_numpy()
    color = drawing.PALETTE[1]
    axes.plot(points, [row] * len(points), marker="o", linestyle="none", markersize=3.5, alpha=0.4, color=color)
    if not math.isnan(low):
        axes.plot([low, high], [row, row], color=color, linewidth=2)
    axes.plot([ratio], [row], marker="D", markersize=6, markeredgecolor="white", color=color)


def _name(what: str, work: str) -> str:
    return f"load-{what}-{text.slug(work)}"
