"""Flame graphs, upside down: which way of calls held the heap at its peak. Small, static, made from the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from experiments.measuring.records import Frame
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_MIB = 2**20
_WIDTH_CHARACTERS = 118  # of the smallest letters, in a row as wide as the figure
_SHADES = LinearSegmentedColormap.from_list("own share", ["#eef3f8", "#E69F00"])


def draw(scene: Scene) -> list[Drawn]:
    """Return one figure for each subject of each traced condition whose record holds its flame graph."""
    traced = scene.measured("heap_peak")
    records = {record.key: record for record in scene.records}
    drawn = []
    for row in traced.to_dict("records"):
        part = records[row["key"]].part("subject")
        if part is not None and part.flames is not None and part.flames.size_bytes:
            drawn.append(_drawn(scene, traced[traced["key"] == row["key"]], str(row["subject"]), part.flames))
    return drawn


def _drawn(scene: Scene, shown: pd.DataFrame, subject: str, whole: Frame) -> Drawn:
    work = factor(shown, "work").iloc[0]
    most = max(_owners(whole).items(), key=lambda pair: pair[1])
    size = text.quantity(whole.size_bytes, "bytes")
    title = (
        f"{scene.lead(shown)}What holds the heap of {subject}, {work}: of {size} "
        f"{text.share(most[1] / whole.size_bytes)} is held by {most[0]} itself"
    )
    rows = list(_placed(whole, 0, 0.0))
    depth = 1 + max(level for level, _, _ in rows)
    figure, (axes,) = drawing.canvas(title, height=1.3 + 0.19 * depth)
    for level, start, frame in rows:
        _bar(axes, level, start, frame, whole.size_bytes)
    axes.set_xlim(0, whole.size_bytes / _MIB)
    axes.set_ylim(depth, 0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("held at the heap's peak (MiB)")
    alt = f"{title}. A bar a function, as wide as what it and those below it, which it called, held."
    notes = [
        "a bar is as wide as what the function and all that it called held, the called ones below it; the darker, "
        "the more it held itself; less than 1 % is left out, mapped files too",
        *scene.notes(shown, timed=False),
    ]
    data: list[tuple[str, ...]] = [("function", "MiB", "MiB itself")]
    data += [
        (f"{'· ' * level}{text.plain(frame.place)}", f"{frame.size_bytes / _MIB:.2f}", f"{_own(frame) / _MIB:.2f}")
        for level, _, frame in rows
    ]
    return drawing.finish(figure, text.slug(f"memory-flames-{work}-{subject}"), title, alt, notes, data)


def _bar(axes: Axes, level: int, start: float, frame: Frame, whole: int) -> None:
    left, width = start / _MIB, frame.size_bytes / _MIB
    shade = _SHADES(_own(frame) / frame.size_bytes)
    axes.barh(level + 0.5, width, left=left, height=0.94, color=shade, edgecolor="white", linewidth=0.5)
    room = int(_WIDTH_CHARACTERS * frame.size_bytes / whole)
    words = text.plain(frame.place)
    if len(words) > room:
        words = f"{words[: room - 1]}…" if room > 6 else ""
    if words:
        axes.text(left, level + 0.52, f" {words}", fontsize=6.5, va="center", ha="left", clip_on=True)


def _placed(frame: Frame, level: int, start: float) -> Iterator[tuple[int, float, Frame]]:
    """Yield each bar: its row, where it begins in bytes, and its frame."""
    yield level, start, frame
    for called in frame.calls:
        yield from _placed(called, level + 1, start)
        start += called.size_bytes


def _own(frame: Frame) -> int:
    return frame.size_bytes - sum(called.size_bytes for called in frame.calls)


def _owners(whole: Frame) -> Mapping[str, int]:
    """Return what each function held itself, by whatever way it was called."""
    held: dict[str, int] = {}
    for _, _, frame in _placed(whole, 0, 0.0):
        held[frame.place] = held.get(frame.place, 0) + _own(frame)
    return held
