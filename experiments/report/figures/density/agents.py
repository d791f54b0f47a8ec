"""Live agents: how many each subject held under each limit, and what kept it from holding more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

import msgspec
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.measuring.records import Outcome, Record
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_PART = "agents"
_REFERENCE = "per-process"

_STOPPED = ("", "a wrong answer", "time", "killed", "an error")
"""What kept a subject from holding more, by the number of what came of a probe."""


class _Held(msgspec.Struct, frozen=True):
    """What one trial found: so many agents, or at least so many, and what came of one more."""

    agents: int
    settled: bool
    stopped: str


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure for each period and kind of words in which agents were counted."""
    trials = [
        record
        for record in scene.records
        if record.spec.condition.get("part") == _PART and record.outcome is Outcome.OK and not record.spec.twin
    ]
    conditions = sorted({(str(r.spec.condition["words"]), float(r.spec.condition["period_s"] or 0)) for r in trials})
    return [
        figure
        for words, period_s in conditions
        for figure in _figure(
            scene,
            [r for r in trials if r.spec.condition["words"] == words and r.spec.condition["period_s"] == period_s],
            words,
            period_s,
        )
    ]


def _figure(scene: Scene, trials: list[Record], words: str, period_s: float) -> Iterator[Drawn]:
    limits = sorted({record.spec.profile.memory_bytes: record.spec.profile.name for record in trials}.items())
    held = {
        name: {
            subject: [_held(r) for r in trials if r.spec.subject == subject and r.spec.profile.name == name]
            for subject in reversed(scene.subjects({r.spec.subject for r in trials if r.spec.profile.name == name}))
        }
        for _, name in limits
    }
    title = _title(limits[0][0], held[limits[0][1]], period_s)
    figure, panels = drawing.canvas(title, len(limits), height=1.9 + 0.34 * max(map(len, held.values())))
    rows: list[tuple[str, ...]] = [("limit", "subject", "live agents, median", "of each block", "what stopped it")]
    for axes, (limit, name) in zip(panels, limits, strict=True):
        _panel(axes, scene, held[name])
        axes.set_title(f"under {text.quantity(limit, 'bytes')}")
        axes.set_xlabel("live agents (log scale)")
        rows += [
            (name, subject, f"{median(each.agents for each in found):g}", _each(found), _stopped(found))
            for subject, found in held[name].items()
        ]
    notes = [
        f"a point a block; every agent is asked once in {period_s:g} s, in turn, about a conversation of its own",
        "hollow: at least so many, the most that was tried",
        "behind each name: what kept it from holding more",
        *(["answers in the model's own words"] if words != "scripted" else []),
        *scene.notes(scene.measured("agents_at_least", part=_PART, words=words, period_s=period_s)),
    ]
    alt = f"{title} Points: the largest number of live agents of each block, a row a subject, a panel a limit."
    name = f"density-agents-{text.slug(words)}-{period_s:g}s"
    yield drawing.finish(figure, name, title, alt, notes, rows)


def _panel(axes: Axes, scene: Scene, held: dict[str, list[_Held]]) -> None:
    drawing.logarithmic(axes, "x")
    for row, (subject, found) in enumerate(held.items()):
        look: dict[str, Any] = drawing.look(scene.place(subject))
        axes.plot([median(each.agents or 0.5 for each in found)] * 2, [row - 0.3, row + 0.3], color=look["color"])
        for number, each in enumerate(found):
            place = row + (number - (len(found) - 1) / 2) * 0.5 / max(len(found), 1)
            hollow: dict[str, Any] = {} if each.settled else {"markerfacecolor": "white"}
            axes.plot([each.agents or 0.5], [place], linestyle="none", markersize=5, **look, **hollow)
    if reference := [each.agents for each in held.get(_REFERENCE, []) if each.settled]:
        claim, base = claims.get("S1-density"), median(reference)
        if claim.low is not None and claim.high is not None:
            low, high = (base * (1 + change / 100) for change in (claim.low, claim.high))
            drawing.ends(axes, claim, low, high, f"published: {claim.figure} over {_REFERENCE}", "x")
    axes.set_yticks(range(len(held)), [f"{text.plain(name)}\n({_stopped(found)})" for name, found in held.items()])
    axes.set_ylim(-0.6, len(held) - 0.4)


def _held(record: Record) -> _Held:
    part = record.part()
    assert part is not None
    tried = zip(part.series["agents"], part.series["came"], strict=True)
    failed = min(((agents, came) for agents, came in tried if came), default=(0, 0))
    return _Held(int(part.values["agents_held"]), bool(part.values["agents_settled"]), _STOPPED[int(failed[1])])


def _stopped(found: list[_Held]) -> str:
    counted = Counter(each.stopped for each in found if each.stopped)
    return ", ".join(why for why, _ in counted.most_common()) or "nothing"


def _each(found: list[_Held]) -> str:
    return ", ".join(f"{'' if each.settled else '≥ '}{each.agents}" for each in found)


def _title(limit: int, held: dict[str, list[_Held]], period_s: float) -> str:
    medians = {subject: median(each.agents for each in found) for subject, found in held.items()}
    open_ended = {subject for subject, found in held.items() if not all(each.settled for each in found)}

    def said(subject: str) -> str:
        return f"{subject} holds {'at least ' if subject in open_ended else ''}{medians[subject]:g}"

    most = max(medians, key=lambda subject: medians[subject])
    least = _REFERENCE if _REFERENCE in medians else min(medians, key=lambda subject: medians[subject])
    both = said(most) if most == least else f"{said(most)} live agents, {said(least)}"
    return f"Under {text.quantity(limit, 'bytes')}, each asked every {period_s:g} s, {both}."
