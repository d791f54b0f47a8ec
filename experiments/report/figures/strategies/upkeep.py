"""Upkeep of a database: reading after many versions, vacuumed or not; and sorting with more working memory."""

from __future__ import annotations

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART = "upkeep"
_MIB = 1 / 2**20

_Panel = tuple[str, str, float]
_VACUUM = {"never-vacuumed": "never vacuumed", "vacuumed": "vacuumed after each round"}
_VACUUM_PANELS: tuple[_Panel, ...] = (
    ("upkeep_read_time", "reading all states (ms)", 1000.0),
    ("upkeep_table_bytes", "table and indexes (MiB)", _MIB),
    ("upkeep_write_time", "writing, all rounds (s)", 1.0),
)
_SORT = {"work-mem-4": "work_mem 4 MiB", "work-mem-16": "work_mem 16 MiB", "work-mem-64": "work_mem 64 MiB"}
_SORT_PANELS: tuple[_Panel, ...] = (
    ("upkeep_sort_time", "all sessions have sorted (s)", 1.0),
    ("upkeep_sort_memory", "memory while they do (MiB)", _MIB),
    ("upkeep_spilled_bytes", "files of one sort (MiB)", _MIB),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``upkeep``, one a case, as far as there are records."""
    return [
        *_figure(scene, "vacuum", _VACUUM, _VACUUM_PANELS),
        *_figure(scene, "sort", _SORT, _SORT_PANELS),
    ]


def _figure(scene: Scene, case: str, labels: dict[str, str], panels: tuple[_Panel, ...]) -> list[Drawn]:
    frames = [_most_at_once(scene.measured(metric, part=_PART, case=case)) for metric, *_ in panels]
    subjects = [name for name in labels if name in set(frames[0]["subject"])]
    if not subjects:
        return []
    title = (_vacuum_title if case == "vacuum" else _sort_title)(frames)
    figure, drawn = drawing.canvas(title, len(panels), height=2.4 + 0.3 * len(subjects), sharey=True)
    columns = []
    for axes, frame, (_, label, scale) in zip(drawn, frames, panels, strict=True):
        values = _blocks.values_of(frame, subjects, scale)
        places = [list(labels).index(name) for name in subjects]
        columns.append(_blocks.scattered(axes, {labels[name]: some for name, some in values.items()}, places, label))
        axes.set_xlim(left=0)
    rows = _blocks.table(("way", *(label for _, label, _ in panels)), [labels[name] for name in subjects], columns)
    alt = f"{title}. {', '.join(label for _, label, _ in panels)}, a row a way."
    return [
        drawing.finish(figure, f"strategies-upkeep-{case}", title, alt, [_blocks.POINTS, *scene.notes(*frames)], rows)
    ]


def _most_at_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the most sessions, where there are several numbers of them."""
    sessions = factor(frame, "sessions")
    return frame[sessions == sessions.max()] if sessions.notna().any() else frame


def _vacuum_title(frames: list[pd.DataFrame]) -> str:
    means = frames[0].groupby("subject")["value"].mean()
    if set(_VACUUM) != set(means.index):
        return "States written over again and again, and read"
    given = frames[0]["factors"].iloc[0]
    never, always = (text.quantity(means[name], "s") for name in _VACUUM)
    written = f"{given['times']} versions of {given['states']:,} states"
    return f"After {written} reading them takes {never} unless vacuumed, {always} if"


def _sort_title(frames: list[pd.DataFrame]) -> str:
    means = frames[0].groupby("subject")["value"].mean()
    if not {"work-mem-4", "work-mem-64"} <= set(means.index):
        return "Sorting with more and less working memory"
    given = frames[0]["factors"].iloc[0]
    little, much = (text.quantity(means[name], "s") for name in ("work-mem-4", "work-mem-64"))
    sorted_ = f"{given['sessions']} sessions that sort {given['rows']:,} rows at once"
    return f"{sorted_} take {little} with 4 MiB of work_mem each, {much} with 64"
