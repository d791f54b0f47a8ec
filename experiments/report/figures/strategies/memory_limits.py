"""Agents that want more memory than there is: who crashes with limits and without, and what else is answered."""

from __future__ import annotations

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, from_zero, row, rows_named
from experiments.report.scene import Scene, factor

_PART = "memory-limits"
_WAYS = {
    "unlimited": "no limit of its own",
    "limited": "a limit each",
    "recycled": "replaced when large",
    "limited-recycled": "both",
}
_RUNTIMES = {"python": "Python", "node": "Node"}
_FAULTS = {"spike": "a request wants too much", "leak": "an agent leaks"}


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``memory-limits``, as far as there are records."""
    crashes = scene.measured("limits_crash_share", part=_PART)
    answered = scene.measured("limits_answered", part=_PART)
    if crashes.empty:
        return []
    pairs = [
        (runtime, way)
        for runtime in _RUNTIMES
        for way in _WAYS
        if ((factor(crashes, "runtime") == runtime) & (crashes["subject"] == way)).any()
    ]
    spikes = crashes[factor(crashes, "fault") == "spike"]
    means = spikes.groupby([factor(spikes, "runtime"), "subject"])["value"].mean()
    told = [
        f"{text.share(means[runtime, 'limited'])} in {name}"
        for runtime, name in _RUNTIMES.items()
        if (runtime, "limited") in means.index
    ]
    title = (
        f"With a limit each, of the requests that want too much so many end their agent: {', '.join(told)}"
        if told
        else "Agents that want more memory than there is"
    )
    figure, panels = drawing.canvas(title, 2, height=4.2, sharey=True)
    for axes, frame, scale in zip(panels, (crashes, answered), (1.0, 100.0), strict=True):
        for at, (runtime, way) in enumerate(pairs):
            mine = frame[(factor(frame, "runtime") == runtime) & (frame["subject"] == way)]
            for place, (fault, words) in enumerate(_FAULTS.items()):
                some = scale * mine.loc[factor(mine, "fault") == fault, "value"]
                row(axes, at + 0.24 * (place - 0.5), place + 1, some, words if at == 0 else "_")
    claim = claims.get("S2-limits")
    if claim.at_most is not None:
        most = claim.at_most
        drawing.ends(panels[0], claim, most, most, f"published: {most:g} of what there were", "x")
    for axes in panels:
        from_zero(axes)
    panels[0].set_xlabel("crashes for each time that memory\nwould not have sufficed")
    panels[1].set_xlabel("ordinary requests answered (%)")
    rows_named(panels[0], [f"{_RUNTIMES[runtime]}, {_WAYS[way]}" for runtime, way in pairs])
    alt = f"{title}. Crashes and ordinary requests answered, by runtime, way and what goes wrong."
    return [drawing.finish(figure, "strategies-memory-limits", title, alt, [*scene.notes(crashes), INTERVALS])]
