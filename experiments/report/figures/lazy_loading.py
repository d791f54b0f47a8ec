"""Lazy loading: when each subject is ready and when its replies are complete; and readiness against the reference."""

from __future__ import annotations

from experiments.analysis import claims
from experiments.analysis.pairing import compare
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_MOMENTS = (
    ("time_to_ready", "ready"),
    ("time_to_first_reply", "first reply"),
    ("time_to_second_reply", "second reply"),
)
_SMALL = "small points are blocks"


def draw(scene: Scene) -> list[Drawn]:
    """Return the moments of a start, and the ratios of the first of them."""
    return [*_moments(scene), *_ratios(scene)]


def _moments(scene: Scene) -> list[Drawn]:
    shown = {words: scene.measured(metric) for metric, words in _MOMENTS}
    ready = shown["ready"]
    if ready.empty:
        return []
    subjects = scene.subjects({subject for frame in shown.values() for subject in frame["subject"]})
    medians = ready.groupby("subject")["value"].median()
    first, last = str(medians.idxmin()), str(medians.idxmax())
    title = (
        f"{scene.lead(ready)}Ready first: {first} after {text.quantity(medians[first], 's')}; "
        f"last: {last} after {text.quantity(medians[last], 's')} (medians)"
    )
    figure, (axes,) = drawing.canvas(title, height=1.9 + 0.45 * len(subjects))
    for row, subject in enumerate(subjects):
        middles = []
        for place, (words, frame) in enumerate(shown.items()):
            values = frame.loc[frame["subject"] == subject, "value"]
            if values.empty:
                continue
            middles.append(values.median())
            look = drawing.look(place + 1)
            axes.plot(values, [row] * len(values), linestyle="none", markersize=4, alpha=0.4, **look)
            axes.plot(
                [middles[-1]],
                [row],
                linestyle="none",
                markersize=8,
                markeredgecolor="white",
                label=f"{words} (median)",
                **look,
            )
        axes.plot(middles, [row] * len(middles), color=drawing.GREY, linewidth=2, zorder=1)
    axes.set_yticks(range(len(subjects)), [text.plain(subject) for subject in subjects])
    axes.set_ylim(len(subjects) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds since the process was spawned")
    alt = f"{title}. Per subject, when it is ready and when its first and second replies are complete."
    return [drawing.finish(figure, "lazy-loading-moments", title, alt, [_SMALL, *scene.notes(*shown.values())])]


def _ratios(scene: Scene) -> list[Drawn]:
    shown = scene.compared("time_to_ready")
    if shown.empty:
        return []
    reference = text.plain(shown["reference"].iloc[0])
    subjects = scene.subjects(shown["subject"])
    title = f"{scene.lead(shown)}Time to ready against {reference}"
    figure, (axes,) = drawing.canvas(title, height=1.9 + 0.45 * len(subjects))
    drawing.band(axes, claims.get("S0-startup"), "x")
    axes.axvline(0, color=drawing.GREY, linewidth=0.8)
    said = []
    for row, subject in enumerate(subjects):
        ratios = shown.loc[shown["subject"] == subject, "ratio"]
        summary = compare(ratios.tolist())
        look = drawing.look(scene.place(subject))
        axes.plot((ratios - 1) * 100, [row] * len(ratios), linestyle="none", markersize=4, alpha=0.4, **look)
        middle = (summary.geometric_mean - 1) * 100
        axes.plot([middle], [row], linestyle="none", markersize=8, markeredgecolor="white", **look)
        if summary.low is not None and summary.high is not None:
            reach = [(summary.low - 1) * 100, (summary.high - 1) * 100]
            axes.plot(reach, [row, row], color=look["color"], linewidth=2)
        said.append(f"{subject} {text.percent(middle)}")
    axes.set_yticks(range(len(subjects)), [text.plain(subject) for subject in subjects])
    axes.set_ylim(len(subjects) - 0.5, -0.5)
    axes.set_xlabel("change (%)")
    alt = f"{title}, geometric means: {', '.join(said)}."
    notes = [f"{_SMALL}, large ones geometric means, bars 95 % intervals", *scene.notes(shown)]
    return [drawing.finish(figure, "lazy-loading-ready", title, alt, notes)]
