"""What stores find after a natural conversation, by kind of question, in dialogues and in what assistants were told."""

from __future__ import annotations

from typing import Any

import pandas as pd

from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_NOTED = "recall@10/"
_REGISTERS = {"dialogue": "dialogues", "assistant": "told an assistant"}
_APART = "paraphrased"  # shares no word with its evidence: shown last
_SPREAD = 0.7  # of the height of a kind is taken by its stores


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure for every length of a natural conversation that stores were asked about."""
    shown = _by_kind(scene)
    lengths = sorted({int(turns) for turns in shown["turns"]})
    return [_figure(scene, turns, shown[shown["turns"] == turns]) for turns in lengths]


def _by_kind(scene: Scene) -> pd.DataFrame:
    """Return a row a trial, kind and register: the store, the turns, and the share that was found."""
    together = scene.measured("evidence_in_10_sharing", part="natural-evidence")
    records = {record.key: record for record in scene.records}
    rows = []
    for key, subject, turns in zip(together["key"], together["subject"], factor(together, "turns"), strict=True):
        part = records[key].part("subject")
        for name, share in part.values.items() if part is not None else ():
            kind, _, register = name.removeprefix(_NOTED).partition("-")
            if name.startswith(_NOTED) and register:
                rows.append((key, subject, turns, kind, register, share))
    return pd.DataFrame(rows, columns=["key", "subject", "turns", "kind", "register", "share"])


def _figure(scene: Scene, turns: int, rows: pd.DataFrame) -> Drawn:
    sharing = scene.measured("evidence_in_10_sharing", part="natural-evidence", turns=turns)
    means = sharing.groupby("subject")["value"].mean()
    subjects = scene.subjects(means.index)
    listed = ", ".join(f"{subject} {text.share(means[subject])}" for subject in subjects)
    title = f"Evidence among ten after {turns:,} natural turns, of questions that share words with it: {listed}"
    order = sorted(set(rows["kind"]), key=lambda kind: (kind == _APART, kind))
    figure, panels = drawing.canvas(title, len(_REGISTERS), height=2.2 + 0.75 * len(order), sharey=True)
    for axes, (register, words) in zip(panels, _REGISTERS.items(), strict=True):
        for place, subject in enumerate(subjects):
            mine = rows[(rows["register"] == register) & (rows["subject"] == subject)]
            shift = _SPREAD * ((place + 0.5) / len(subjects) - 0.5)
            _store(axes, scene.place(subject), mine, {kind: row + shift for row, kind in enumerate(order)}, subject)
        axes.set_title(words)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("questions whose evidence is found (%)")
    panels[0].set_yticks(range(len(order)), order)
    panels[0].invert_yaxis()
    alt = f"{title}. Share of questions whose evidence is among ten found, by kind and store, a panel a register."
    lines = "points: means of the blocks; lines: 95 % intervals, of fewer than six blocks the range"
    return drawing.finish(figure, f"memory-evidence-kinds-{turns}", title, alt, [*scene.notes(sharing), lines])


def _store(axes: Any, place: int, rows: pd.DataFrame, at: dict[str, float], subject: str) -> None:
    look = drawing.look(place)
    shares = {str(kind): some["share"] * 100 for kind, some in rows.groupby("kind")}
    for kind, some in shares.items():
        axes.plot(interval(some), [at[kind]] * 2, marker="", linewidth=1.6, color=look["color"], solid_capstyle="butt")
    axes.plot(
        [some.mean() for some in shares.values()],
        [at[kind] for kind in shares],
        linestyle="none",
        markersize=6,
        markeredgecolor="white",
        label=text.plain(subject),
        **look,
    )


def interval(values: pd.Series[float]) -> list[float]:
    """Return the ends of the mean's 95 % interval; those of the range where blocks are too few for an interval."""
    if len(values) < ENOUGH_BLOCKS:
        return [values.min(), values.max()]
    return [float(end) for end in Estimate(values.tolist()).interval()]
