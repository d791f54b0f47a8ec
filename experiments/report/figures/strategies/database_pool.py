"""Database connections: how much sooner one of a pool is had than a new one, and what is left of it in a request."""

from __future__ import annotations

import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART, _REFERENCE, _USUAL = "database-pool", "connect-each", "pool-20"
_POOLS = {"pool-2": "pool of 2", "pool-20": "pool of 20"}
_PANELS = (
    ("database_connection_time", "until a connection is had"),
    ("latency_p50", "until the answer is there"),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the part ``database-pool``: the change of both times, a row a pool and number of users."""
    shown = [_changes(scene, metric) for metric, _ in _PANELS]
    if shown[0].empty:
        return []
    rows = sorted({(int(users), str(pool)) for users, pool in zip(shown[0]["users"], shown[0]["subject"], strict=True)})
    names = [f"{users} user{'s' if users > 1 else ''}, {_POOLS[pool]}" for users, pool in rows]
    title = _title(scene, max(users for users, _ in rows))
    figure, panels = drawing.canvas(title, len(_PANELS), height=2.9 + 0.25 * len(rows), sharey=True)
    columns = []
    for axes, frame, (_, words) in zip(panels, shown, _PANELS, strict=True):
        told = []
        for row, (users, pool) in enumerate(rows):
            some = frame.loc[(frame["users"] == users) & (frame["subject"] == pool), "change"]
            label = _POOLS[pool] if pool not in {each for _, each in rows[:row]} else "_again"
            _blocks.row(axes, row, list(_POOLS).index(pool) + 1, some, label)
            told.append("" if some.empty else text.significant(some.mean(), 5))
        columns.append(told)
        drawing.band(axes, claims.get("S2-dbpool"), "x")
        axes.axvline(0, color=drawing.GREY, linewidth=1)
        _blocks.rows_named(axes, names)
        axes.set_title(words)
        axes.set_xlabel("change (%)")
    alt = f"{title}. Change in percent of the time until a connection is had, and until the answer is there."
    notes = [
        "changes are against a new connection for each request",
        "users prove a password, over a socket",
        _blocks.INTERVALS,
        *scene.notes(*shown),
    ]
    heading = ("users and pool", *(f"change {words} (%)" for _, words in _PANELS))
    table = _blocks.table(heading, names, columns)
    return [drawing.finish(figure, "strategies-database-pool", title, alt, [*notes, *scene.notes(*shown)], table)]


def _changes(scene: Scene, metric: str) -> pd.DataFrame:
    frame = _blocks.changes(scene.measured(metric, part=_PART, login="password"), _REFERENCE)
    return frame.assign(users=factor(frame, "users").astype(float))


def _title(scene: Scene, users: int) -> str:
    means = [
        scene.measured(metric, part=_PART, login="password", users=users).groupby("subject")["value"].mean()
        for metric, _ in _PANELS
    ]
    if any(not {_USUAL, _REFERENCE} <= set(mean.index) for mean in means):
        return "Connections of a pool against a new one for each request"
    (kept, new), (kept_whole, new_whole) = (
        [text.quantity(mean[name], "s") for name in (_USUAL, _REFERENCE)] for mean in means
    )
    first = f"With a pool of 20, {users} users have a connection after {kept}, without one after {new}"
    return f"{first}; and their answer after {kept_whole} and {new_whole}"
