"""Many users at once: what is answered a second, how long they wait, what a request costs, by how many there are."""

from __future__ import annotations

import pandas as pd

from experiments.analysis.frames import where
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import CONDITIONS, Panel, RowLevels, in_words, rows_of_systems, told
from experiments.report.scene import Scene, factor

_PART = "users"
_PANELS = (
    Panel("throughput", "answers a second", logarithmic=True),
    Panel("latency_p95", "latency, 95th\npercentile (s)", logarithmic=True),
    Panel("cpu_per_request", "processor time\na request (ms)", 1000.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure for each condition of the part ``users``, if there are records."""
    shown = scene.measured("throughput", part=_PART)
    return [drawn for window in CONDITIONS.of(shown) for drawn in _of(scene, where(shown, window=window), window)]


def _of(scene: Scene, shown: pd.DataFrame, window: int) -> list[Drawn]:
    counts = sorted({int(users) for users in factor(shown, "users")})
    levels = RowLevels("users", {users: f"{users} users" if users > 1 else "one user" for users in counts})
    served = told(where(shown, users=counts[-1]), scene, "1/s")
    title = f"{counts[-1]} users at once, {in_words(window)}, are given {served}"
    name = "frameworks-users" if window else "frameworks-users-defaults"
    return rows_of_systems(scene, name, _PART, _PANELS, title, levels, window=window)
