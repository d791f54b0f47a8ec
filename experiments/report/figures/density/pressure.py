"""Memory pressure: how many turns each policy answers, and how often the kernel killed meanwhile."""

from __future__ import annotations

import numpy as np

from experiments.measuring.records import Outcome, Part, Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_POLICIES = {
    "unmanaged": "nothing",
    "threshold": "85 % threshold",
    "kernel": "kernel's events",
    "stages": "stages, by use",
    "forecast": "stages, by forecast",
}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``pressure``, if there are records."""
    found = [
        (record, part)
        for record in scene.records
        if record.spec.study == "density"
        and record.spec.condition.get("part") == "pressure"
        and record.outcome is Outcome.OK
        and (part := record.part()) is not None
        and "turns_planned" in part.values
    ]
    return [_figure(found)] if found else []


def _figure(found: list[tuple[Record, Part]]) -> Drawn:
    ramps = sorted({str(record.spec.condition["ramp"]) for record, _ in found})
    spared = [name for name in _POLICIES if (mine := _of(found, name)) and not any(_kills(part) for part in mine)]
    words = ", ".join(_POLICIES[name] for name in spared) or "no policy"
    title = f"Without a kill in any ramp: {words}"
    figure, panels = drawing.canvas(title, len(ramps), height=3.6, sharey=True)
    rows: list[tuple[str, ...]] = [("ramp", "policy", "turns answered", "kills a trial", "conversations lost a trial")]
    for axes, ramp in zip(panels, ramps, strict=True):
        for place, (name, label) in enumerate(_POLICIES.items()):
            parts = _of(found, name, ramp)
            if not parts:
                continue
            shares = [100 * part.values["turns_answered"] / part.values["turns_planned"] for part in parts]
            kills = float(np.mean([_kills(part) for part in parts]))
            lost = float(np.mean([part.values.get("conversations_lost", 0.0) for part in parts]))
            look = drawing.look(place)
            # A point a trial: of six or so, an interval hides more than it tells.
            axes.plot(shares, [place] * len(shares), linestyle="none", alpha=0.5, markersize=5, clip_on=False, **look)
            axes.plot([float(np.median(shares))] * 2, [place - 0.25, place + 0.25], color=look["color"], linewidth=2)
            axes.annotate(
                f"{kills:.1f} kills, {lost:.0f} conversations lost" if kills else "none killed",
                (1.0, place + 0.32),
                xycoords=("axes fraction", "data"),
                ha="right",
                fontsize=7.5,
                color=drawing.GREY,
            )
            rows.append((ramp, label, f"{float(np.median(shares)):.1f} %", f"{kills:.2f}", f"{lost:.1f}"))
        axes.set_yticks(range(len(_POLICIES)), list(_POLICIES.values()))
        axes.set_ylim(len(_POLICIES) - 0.4, -0.6)
        axes.set_title({"caches": "can be dropped", "states": "must be kept"}.get(ramp, ramp))
        axes.set_xlim(0, 103)
        axes.set_xlabel("turns answered (% of those planned)")
    alt = f"{title}. Turns answered in percent of those planned, a point a trial, by policy and ramp."
    notes = [
        "a point a trial, the bar their median; an agent that is killed is started again and has lost what it held",
        "no model runs: memory is held as an agent holds it",
        *({"limits were not enforced"} if not all(record.enforced for record, _ in found) else ()),
    ]
    return drawing.finish(figure, "density-pressure", title, alt, notes, rows)


def _of(found: list[tuple[Record, Part]], policy: str, ramp: str | None = None) -> list[Part]:
    return [
        part
        for record, part in found
        if record.spec.subject == policy and ramp in (None, record.spec.condition["ramp"])
    ]


def _kills(part: Part) -> float:
    return part.values.get("kills", 0.0)
