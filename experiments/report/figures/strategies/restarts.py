"""Workers that die: how much was answered meanwhile, how long nobody answered, and what restarting in vain costs."""

from __future__ import annotations

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, from_zero, logarithmic_with_zero, row, rows_named
from experiments.report.scene import Scene, factor

_PART, _IN_VAIN = "restarts", "dies-at-start"
_WAYS = {"unattended": "not started again", "at-once": "at once", "backoff": "after pauses", "spare": "from a spare"}
_FAULTS = {"one-killed": "one of two workers killed", "all-killed": "both killed"}
_PANELS = (
    ("restarts_starts", "workers started", 1.0),
    ("restarts_cpu", "processor time (s)", 1.0),
    ("restarts_back", "from the repair to\nthe next answer (ms)", 1000.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``restarts``, as far as there are records."""
    return [*_killed(scene), *_in_vain(scene)]


def _killed(scene: Scene) -> list[Drawn]:
    available = scene.measured("restarts_available", part=_PART)
    available = available[factor(available, "fault").isin(list(_FAULTS))]
    outages = scene.measured("restarts_longest_outage", part=_PART)
    if available.empty:
        return []
    ways = [way for way in _WAYS if way in set(available["subject"])]
    means = available.groupby([factor(available, "fault"), "subject"])["value"].mean()
    told = [
        f"{_share(1 - means[fault, 'at-once'])} ({words})"
        for fault, words in _FAULTS.items()
        if (fault, "at-once") in means
    ]
    title = (
        f"With workers started again at once, not answered in time: {', '.join(told)}" if told else "Workers that die"
    )
    figure, (shares, lengths) = drawing.canvas(title, 2, height=3.6, sharey=True)
    for place, (fault, words) in enumerate(_FAULTS.items()):
        for at, way in enumerate(ways):
            height = at + 0.24 * (place - 0.5)
            mine = [
                frame[(factor(frame, "fault") == fault) & (frame["subject"] == way)]["value"]
                for frame in (available, outages)
            ]
            row(shares, height, place + 1, 100 * (1 - mine[0]), words if at == 0 else "_")
            row(lengths, height, place + 1, 1000 * mine[1])
    claim = claims.get("S2-restart")
    if claim.at_least is not None:
        most = 100 * (1 - claim.at_least)
        drawing.ends(shares, claim, most, most, f"published: at most {most:.3g} %", "x")
    logarithmic_with_zero(shares, "x", 0.1)
    from_zero(shares)
    shares.set_xlabel("requests not answered in time (%)")
    logarithmic_with_zero(lengths, "x", 10)
    from_zero(lengths)
    lengths.set_xlabel("longest outage (ms)")
    rows_named(shares, [_WAYS[way] for way in ways])
    alt = f"{title}. Share of requests not answered in time and the longest outage, by fault and who starts workers."
    return [drawing.finish(figure, "strategies-restarts", title, alt, [*scene.notes(available), INTERVALS])]


def _share(value: float) -> str:
    return text.share(value) if value else "none"


def _in_vain(scene: Scene) -> list[Drawn]:
    frames = [scene.measured(metric, part=_PART, fault=_IN_VAIN) for metric, *_ in _PANELS]
    if any(frame.empty for frame in frames):
        return []
    ways = [way for way in _WAYS if way in set(frames[0]["subject"])]
    means = [frame.groupby("subject")["value"].mean() for frame in frames]
    told = [
        f"{text.significant(means[0][way], 2)} {_WAYS[way]}, back after {text.quantity(means[2][way], 's')}"
        for way in ways
        if all(way in mean for mean in means)
    ]
    title = f"Workers started while every one dies at its start: {'; '.join(told)}"
    figure, panels = drawing.canvas(title, len(_PANELS), height=2.8, sharey=True)
    for axes, frame, (_, label, scale) in zip(panels, frames, _PANELS, strict=True):
        for at, way in enumerate(ways):
            row(axes, at, list(_WAYS).index(way), scale * frame.loc[frame["subject"] == way, "value"])
        from_zero(axes)
        axes.set_xlabel(label)
    rows_named(panels[0], [_WAYS[way] for way in ways])
    alt = f"{title}. Starts, processor time and the time from the repair to the next answer."
    return [drawing.finish(figure, "strategies-restarts-in-vain", title, alt, [*scene.notes(*frames), INTERVALS])]
