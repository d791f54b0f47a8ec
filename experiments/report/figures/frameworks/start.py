"""From a start to the first reply, and what is held while nobody asks."""

from __future__ import annotations

from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import Panel, rows_of_systems, told
from experiments.report.scene import Scene

_PART = "start"
_PANELS = (
    Panel("system_start", "from the start to the\nfirst reply (s)"),
    Panel("system_idle_memory", "resident while\nnobody asks (MiB)", 2.0**-20),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``start``, if there are records."""
    shown = scene.measured("system_start", part=_PART)
    title = f"From a start to the first reply, files being in memory: {told(shown, scene, 's')}" if len(shown) else ""
    return rows_of_systems(scene, "frameworks-start", _PART, _PANELS, title)
