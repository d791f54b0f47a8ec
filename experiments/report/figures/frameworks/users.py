"""Many users at once: what is answered a second and how long users wait, over how many there are."""

from __future__ import annotations

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures._blocks import INTERVALS, curve
from experiments.report.figures._frameworks import ordered, told
from experiments.report.scene import Scene, factor

_PART, _WINDOW = "users", 12
_PANELS = (
    ("throughput", "answers a second", 1.0),
    ("latency_p95", "latency, 95th percentile (s)", 1.0),
    ("cpu_per_request", "processor time a request (ms)", 1000.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``users``, if there are records."""
    frames = [scene.measured(metric, part=_PART, window=_WINDOW) for metric, *_ in _PANELS]
    if any(frame.empty for frame in frames):
        return []
    most = int(factor(frames[0], "users").max())
    busiest = frames[0][factor(frames[0], "users") == most]
    title = f"{most} users at once are given {told(busiest, scene, '1/s')}"
    figure, panels = drawing.canvas(title, len(_PANELS), height=4.4)
    for axes, frame, (_, label, scale) in zip(panels, frames, _PANELS, strict=True):
        for system in ordered(scene, frame):
            mine = frame[frame["subject"] == system]
            over = factor(mine, "users").astype(float)
            curve(axes, scene.place(system), scale * mine["value"], over, text.plain(system))
        if len(set(factor(frame, "users"))) > 1:
            drawing.logarithmic(axes, "x")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("users")
        axes.set_ylabel(label)
    alt = f"{title}. Answers a second, latency and processor time a request over the number of users, a line a system."
    return [drawing.finish(figure, "frameworks-users", title, alt, [*scene.notes(*frames), INTERVALS])]
