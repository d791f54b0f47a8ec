"""Processes for tasks: what keeping them brings over the size of a task, the first answer, and runtimes that spawn."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import LogLocator

from experiments.analysis import claims
from experiments.analysis.frames import where
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import (
    INTERVALS,
    changes,
    curve,
    logarithmic_with_zero,
    noted,
    row,
    rows_named,
)
from experiments.report.scene import Scene, factor

_PART = "spawning"
_RUNTIMES = {"python": "Python", "node": "Node"}
_WAYS = {
    "spawned": "a process a task",
    "forked": "a fork a task",
    "reused": "workers kept",
    "warmed": "workers kept and warmed",
    "one-worker": "one worker",
    "as-listed": "the pool as listed",
}
_ECHO = {"python": "Python", "node": "Node", "bun": "Bun"}

_Curve = tuple[str, dict[str, str], str, str]

# Panels: what each is called, the claims beside it, and its curves: a name, the conditions, what is compared with what.
_GAINS: tuple[tuple[str, tuple[str, ...], tuple[_Curve, ...]], ...] = (
    (
        "workers kept, against a process a task",
        ("S2-reuse", "S2-reuse-tp"),
        tuple((name, {"program": "task", "runtime": key}, "reused", "spawned") for key, name in _RUNTIMES.items()),
    ),
    (
        "a worker a core, against one",
        ("S2-workers",),
        (
            *((name, {"program": "task", "runtime": key}, "reused", "one-worker") for key, name in _RUNTIMES.items()),
            ("Node, a server in a cluster", {"program": "server", "runtime": "node"}, "cluster", "one-process"),
        ),
    ),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``spawning``, as far as there are records."""
    return [*_gains(scene), *_first(scene), *_echoes(scene)]


def _gains(scene: Scene) -> list[Drawn]:
    """Draw the change in tasks a second over what the work of a task takes."""
    rates = scene.measured("spawning_throughput", part=_PART)
    found = [
        [changes(where(rates, **factors), reference, subject) for _, factors, subject, reference in curves]
        for *_, curves in _GAINS
    ]
    drawn = [some for panel in found for some in panel if not some.empty]
    if not drawn:
        return []
    title = _gains_title(scene, dict(zip(_RUNTIMES.values(), found[0], strict=True)))
    figure, panels = drawing.canvas(title, 2, height=4.2)
    for axes, somes, (words, shown, curves) in zip(panels, found, _GAINS, strict=True):
        for place, (some, (name, *_)) in enumerate(zip(somes, curves, strict=True)):
            work_ms = 1000 * noted(scene, some, "work_s")
            # Of one size of a task the mean, so that its trials stand together.
            curve(axes, place + 1, some["change"], work_ms.groupby(some["condition"]).transform("mean"), name)
        for claim in shown:
            drawing.band(axes, claims.get(claim))
        drawing.logarithmic(axes, "x")
        axes.xaxis.set_major_locator(LogLocator())  # decades alone: a panel is narrow
        axes.set_title(words)
        axes.set_xlabel("work of a task (ms)")
        axes.set_ylabel("change in tasks a second (%)")
    logarithmic_with_zero(panels[0], "y", 100)
    panels[0].set_ylim(bottom=min(0.0, *(float(some["change"].min()) for some in found[0] if not some.empty), 0.0))
    alt = f"{title}. Change in tasks a second over the work of a task, a line a runtime, beside what was published."
    return [drawing.finish(figure, "strategies-spawning", title, alt, [*scene.notes(*drawn), INTERVALS])]


def _gains_title(scene: Scene, kept: dict[str, pd.DataFrame]) -> str:
    """Say what keeping workers brings for the smallest and the largest task, by the runtime's name."""
    told = []
    for name, some in kept.items():
        if some.empty:
            continue
        means = some.groupby("condition")["change"].mean()
        works = noted(scene, some, "work_s").groupby(some["condition"]).mean()
        ends = dict.fromkeys([str(works.idxmin()), str(works.idxmax())])
        told.append(f"{name} {' to '.join(text.percent(means[end]) for end in ends)}")
    sizes = "from the smallest task to the largest"
    return f"Tasks a second with workers kept instead of a process a task, {sizes}: {', '.join(told)}"


def _first(scene: Scene) -> list[Drawn]:
    """Draw the time until the first answer in every way, a panel a runtime."""
    firsts = scene.measured("spawning_first", part=_PART, program="task", hashes=0)
    if firsts.empty:
        return []
    means = firsts.groupby([factor(firsts, "runtime"), "subject"])["value"].mean()
    told = [
        " instead of ".join(text.quantity(means[runtime, way], "s") for way in ("warmed", "reused")) + f" in {name}"
        for runtime, name in _RUNTIMES.items()
        if {(runtime, "warmed"), (runtime, "reused")} <= set(means.index)
    ]
    title = f"Warmed workers give the first answer after {', '.join(told)}" if told else "Time until the first answer"
    ways = [way for way in _WAYS if way in set(firsts["subject"])]
    figure, panels = drawing.canvas(title, len(_RUNTIMES), height=3.4, sharey=True)
    for axes, (runtime, name) in zip(panels, _RUNTIMES.items(), strict=True):
        mine = firsts[factor(firsts, "runtime") == runtime]
        for at, way in enumerate(ways):
            row(axes, at, list(_WAYS).index(way), 1000 * mine.loc[mine["subject"] == way, "value"])
        kept = mine.loc[mine["subject"] == "reused", "value"]
        claim = claims.get("S2-warmpool")
        if len(kept) and claim.low is not None and claim.high is not None:
            low, high = (1000 * float(kept.mean()) * (1 + end / 100) for end in (claim.low, claim.high))
            drawing.ends(axes, claim, low, high, f"published: {claim.figure}, of workers kept", "x")
        drawing.logarithmic(axes, "x")
        axes.set_title(name)
        axes.set_xlabel("until the first answer (ms)")
    rows_named(panels[0], [_WAYS[way] for way in ways])
    alt = f"{title}. Time until the first answer of each way of having tasks done, a panel a runtime."
    return [drawing.finish(figure, "strategies-spawning-first", title, alt, [*scene.notes(firsts), INTERVALS])]


def _echoes(scene: Scene) -> list[Drawn]:
    """Draw how often each runtime starts a small program, by what the parent holds."""
    rates = scene.measured("spawning_throughput", part=_PART, program="echo")
    if rates.empty:
        return []
    held = factor(rates, "parent_mib").astype(float)
    runtimes = [runtime for runtime in _ECHO if runtime in set(rates["subject"])]
    means = rates.groupby(["subject", held])["value"].mean()
    told = [
        f"{_ECHO[runtime]} {' and '.join(text.significant(rate) for rate in means[runtime])}" for runtime in runtimes
    ]
    sizes = " and ".join(f"{size:g} MiB" for size in sorted(set(held)))
    title = f"Starts of a small program a second, by a parent that holds {sizes}: {', '.join(told)}"
    figure, [axes] = drawing.canvas(title, height=3.4)
    for place, size in enumerate(sorted(set(held))):
        for at, runtime in enumerate(runtimes):
            mine = rates.loc[(rates["subject"] == runtime) & (held == size), "value"]
            shift = 0.2 * (place - 0.5)
            row(axes, at + shift, place + 1, mine, f"the parent holds {size:g} MiB beside itself" if at == 0 else "_")
    ceiling, others = claims.get("S2-spawn"), claims.get("S2-runtime")
    if ceiling.at_most is not None:
        drawing.ends(axes, ceiling, ceiling.at_most, ceiling.at_most, f"published ceiling: {ceiling.at_most:g}", "x")
    if others.before is not None and others.after is not None:
        label = f"published: {others.before[0]:g} (Node) and {others.after[0]:g} (Bun)"
        for level in (others.before[0], others.after[0]):
            axes.axvline(level, color=drawing.GREY, linestyle=":", linewidth=1.2, label=label)
            label = "_"
    drawing.logarithmic(axes, "x")
    rows_named(axes, [_ECHO[runtime] for runtime in runtimes])
    axes.set_xlabel("starts of a small program a second")
    alt = f"{title}. Starts a second by runtime and by what the parent holds, beside published figures."
    return [drawing.finish(figure, "strategies-spawning-runtimes", title, alt, [*scene.notes(rates), INTERVALS])]
