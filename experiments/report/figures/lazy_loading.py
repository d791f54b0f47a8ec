"""Lazy loading: starts, cold and warm, against the reference; what each resource costs; memory; imports; a pause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.analysis.pairing import summarise
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_MIB = 2**20
_CACHES = ("cold", "warm")
_MOMENTS = (
    ("time_to_ready", "ready"),
    ("time_to_first_reply", "first reply"),
    ("time_to_second_reply", "second reply"),
)
_RESOURCES = {
    "interpreter": "interpreter and lab",
    "agent": "the agent's code",
    "keywords": "keywords",
    "store": "long-term memory",
    "library": "llama.cpp's library",
    "model": "the model",
    "turn": "a first turn",
}
_KINDS = {"anonymous": drawing.GREY, "file": drawing.PALETTE[6]}
"""Kinds of memory and their colours."""
_SMALL = "small points are blocks"


def draw(scene: Scene) -> list[Drawn]:
    """Return one figure a question, as far as there are records."""
    ready = scene.measured("time_to_ready")
    shapes = [None, *sorted(set(factor(ready, "shape").dropna()), key=str)]
    starts = [drawn for shape in shapes for drawn in (*_moments(scene, shape), *_ratios(scene, shape))]
    return [*starts, *_memory(scene), *_resources(scene), *_imports(scene), *_pause(scene)]


def _starts(frame: pd.DataFrame, shape: Any) -> pd.DataFrame:
    """Return the rows of starts with a model of this shape (None: the model of record) that were asked at once."""
    shapes = factor(frame, "shape")
    return frame[factor(frame, "pause_s").isna() & (shapes.isna() if shape is None else shapes == shape)]


def _cached(frame: pd.DataFrame, page_cache: str) -> pd.DataFrame:
    return frame[factor(frame, "page_cache") == page_cache]


def _of(frame: pd.DataFrame, subject: str) -> pd.DataFrame:
    return frame[frame["subject"] == subject]


def _present(frame: pd.DataFrame) -> list[str]:
    return [each for each in _CACHES if not _cached(frame, each).empty]


def _suffix(shape: Any) -> tuple[str, str]:
    """Return how a figure's name ends and how its title begins for a shape."""
    return ("", "") if shape is None else (f"-{text.slug(shape)}", f"Model {text.plain(shape)}: ")


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [text.plain(label) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _from_zero(*panels: Axes) -> None:
    """Begin the horizontal axes at zero, and leave room for the last point."""
    for axes in panels:
        axes.set_xlim(0, axes.get_xlim()[1] * 1.05)


def _dots(axes: Axes, row: float, values: pd.Series[float], look: Mapping[str, Any], label: str) -> float:
    """Draw a small point a block and a large one at the median, and return the median."""
    middle = float(values.median())
    axes.plot(values, [row] * len(values), linestyle="none", markersize=4, alpha=0.4, **look)
    axes.plot([middle], [row], linestyle="none", markersize=8, markeredgecolor="white", label=label, **look)
    return middle


def _moments(scene: Scene, shape: Any) -> list[Drawn]:
    shown = {words: _starts(scene.measured(metric), shape) for metric, words in _MOMENTS}
    ready = shown["ready"]
    if ready.empty:
        return []
    caches, subjects = _present(ready), scene.subjects(ready["subject"])
    ending, lead = _suffix(shape)
    title = scene.lead(ready) + lead + _first_ready(ready, shown["first reply"], caches[0])
    figure, panels = drawing.canvas(title, len(caches), height=2.1 + 0.4 * len(subjects), sharex=True, sharey=True)
    for axes, page_cache in zip(panels, caches, strict=True):
        for row, subject in enumerate(subjects):
            middles = []
            for place, (words, frame) in enumerate(shown.items(), start=1):
                mine = _cached(frame, page_cache)
                values = mine.loc[mine["subject"] == subject, "value"]
                if not values.empty:
                    middles.append(_dots(axes, row, values, drawing.look(place), f"{words} (median)"))
            axes.plot(middles, [row] * len(middles), color=drawing.GREY, linewidth=2, zorder=1)
        axes.set_title(f"{page_cache} page cache")
        axes.set_xlabel("seconds since the start")
    _rows(panels[0], subjects)
    _from_zero(panels[0])
    alt = f"{title}. Per subject and page cache, when it is ready and when its first and second replies are complete."
    notes = [_SMALL, *scene.notes(*shown.values())]
    return [drawing.finish(figure, f"lazy-loading-moments{ending}", title, alt, notes)]


def _first_ready(ready: pd.DataFrame, replied: pd.DataFrame, page_cache: str) -> str:
    """Say which subject is ready first and which last, and when each has replied."""
    medians = _cached(ready, page_cache).groupby("subject")["value"].median()
    replies = _cached(replied, page_cache).groupby("subject")["value"].median()
    sentences = []
    for subject, word in ((str(medians.idxmin()), "first"), (str(medians.idxmax()), "last")):
        after = f"{subject} is ready {word}, after {text.quantity(medians[subject], 's')}"
        if subject in replies:
            after += f", and has replied after {text.quantity(replies[subject], 's')}"
        sentences.append(after)
    return f"On a {page_cache} page cache {'; '.join(dict.fromkeys(sentences))}"


def _ratios(scene: Scene, shape: Any) -> list[Drawn]:
    starts = {words: _starts(scene.compared(metric), shape) for metric, words in _MOMENTS[:2]}
    shown = {words: frame for words, frame in starts.items() if not frame.empty}
    if "ready" not in shown:
        return []
    reference = text.plain(shown["ready"]["reference"].iloc[0])
    caches, subjects = _present(shown["ready"]), scene.subjects(shown["ready"]["subject"])
    ratios = {
        (page_cache, str(subject), words): group["ratio"]
        for page_cache in caches
        for words, frame in shown.items()
        for subject, group in _cached(frame, page_cache).groupby("subject")
    }
    changes = {
        page_cache: "; ".join(
            f"{subject} {_means({words: ratios.get((page_cache, subject, words)) for words in shown})}"
            for subject in subjects
            if (page_cache, subject, "ready") in ratios
        )
        for page_cache in caches
    }
    ending, lead = _suffix(shape)
    span = ", ".join(_span(words, ratios, caches[0]) for words in shown)
    title = f"{scene.lead(shown['ready'])}{lead}Against {reference}, {caches[0]}: {span}"
    figure, panels = drawing.canvas(title, len(caches), height=2.2 + 0.45 * len(subjects), sharex=True, sharey=True)
    for axes, page_cache in zip(panels, caches, strict=True):
        drawing.band(axes, claims.get("S0-startup"), "x")
        axes.axvline(0, color=drawing.GREY, linewidth=0.8)
        for row, subject in enumerate(subjects):
            for place, words in enumerate(shown, start=1):
                if (page_cache, subject, words) in ratios:
                    y = row + 0.3 * (place - 1.5)
                    _change(axes, y, ratios[page_cache, subject, words], drawing.look(place), words)
        axes.set_title(f"{page_cache} page cache")
        axes.set_xlabel("change in time since the start (%)")
    _rows(panels[0], subjects)
    alt = f"{title}. Geometric means: {'. '.join(f'{each}: {words}' for each, words in changes.items())}."
    notes = [f"{_SMALL}, large ones geometric means, bars 95 % intervals", *scene.notes(*shown.values())]
    return [drawing.finish(figure, f"lazy-loading-ready{ending}", title, alt, notes)]


def _span(words: str, ratios: Mapping[tuple[str, str, str], pd.Series[float]], page_cache: str) -> str:
    """Return the smallest and the largest change of all subjects at one moment."""
    here = [values for (cache, _, moment), values in ratios.items() if (cache, moment) == (page_cache, words)]
    changes = sorted((summarise(values.tolist()).geometric_mean - 1) * 100 for values in here)
    ends = dict.fromkeys(text.percent(change) for change in changes[:1] + changes[-1:])
    return f"{words} {' … '.join(ends)}"


def _means(ratios: Mapping[str, pd.Series[float] | None]) -> str:
    return ", ".join(
        f"{words} {text.percent((summarise(values.tolist()).geometric_mean - 1) * 100)}"
        for words, values in ratios.items()
        if values is not None
    )


def _change(axes: Axes, row: float, ratios: pd.Series[float], look: Mapping[str, Any], words: str) -> None:
    """Draw a small point a block, the geometric mean and its interval, in percent."""
    summary = summarise(ratios.tolist())
    axes.plot((ratios - 1) * 100, [row] * len(ratios), linestyle="none", markersize=3, alpha=0.4, **look)
    middle = (summary.geometric_mean - 1) * 100
    axes.plot([middle], [row], linestyle="none", markersize=7, markeredgecolor="white", label=words, **look)
    if summary.low is not None and summary.high is not None:
        axes.plot([(summary.low - 1) * 100, (summary.high - 1) * 100], [row, row], color=look["color"], linewidth=2)


def _memory(scene: Scene) -> list[Drawn]:
    moments = {"ready": "when ready", "first_reply": "after the first reply"}
    shown = {
        moment: {
            "anonymous": _cached(_starts(scene.measured(f"memory_at_{moment}"), None), "cold"),
            "file": _cached(_starts(scene.measured(f"file_memory_at_{moment}"), None), "cold"),
        }
        for moment in moments
    }
    if any(frame.empty for kinds in shown.values() for frame in kinds.values()):
        return []
    held = {moment: kinds["anonymous"].groupby("subject")["value"].median() for moment, kinds in shown.items()}
    subjects = scene.subjects(held["ready"].index)
    least, most = str(held["ready"].idxmin()), str(held["ready"].idxmax())
    ends = {
        subject: " and ".join(text.quantity(held[moment][subject], "bytes") for moment in moments)
        for subject in (least, most)
    }
    title = (
        f"{scene.lead(shown['ready']['anonymous'])}Anonymous memory when ready and after the first reply: "
        f"{'; '.join(f'{subject} {words}' for subject, words in ends.items())}"
    )
    figure, panels = drawing.canvas(title, 2, height=2.0 + 0.4 * len(subjects), sharex=True, sharey=True)
    for axes, (moment, words) in zip(panels, moments.items(), strict=True):
        for row, subject in enumerate(subjects):
            left = 0.0
            for kind, color in _KINDS.items():
                frame = shown[moment][kind]
                values = frame.loc[frame["subject"] == subject, "value"] / _MIB
                axes.barh(row, values.median(), 0.6, left, color=color, label=f"{kind} memory (median)")
                axes.plot(left + values, [row] * len(values), "k.", markersize=3, alpha=0.5)
                left += float(values.median())
        axes.set_title(words)
        axes.set_xlabel("memory of the process (MiB)")
    _from_zero(panels[0])
    _rows(panels[0], subjects)
    alt = f"{title}. Per subject, anonymous and file memory at both moments, cold."
    notes = ["cold page cache", _SMALL, *scene.notes(*(frame for kinds in shown.values() for frame in kinds.values()))]
    return [drawing.finish(figure, "lazy-loading-memory", title, alt, notes)]


def _resources(scene: Scene) -> list[Drawn]:
    frames = {
        (kind, name): _of(scene.measured(f"load_{kind}_{name}"), "in-order")
        for kind in ("time", "anonymous", "file")
        for name in _RESOURCES
    }
    names = [name for name in _RESOURCES if not frames["time", name].empty]
    if not names:
        return []
    caches = _present(frames["time", names[0]])
    took = {name: _cached(frames["time", name], caches[0])["value"].median() for name in names}
    longest = max(took, key=lambda name: float(took[name]))
    grown = {name: sum(frames[kind, name]["value"].median() for kind in _KINDS) for name in names}
    largest = max(grown, key=lambda name: float(grown[name]))
    title = (
        f"{scene.lead(frames['time', names[0]])}Longest to load, {caches[0]}: {_RESOURCES[longest]}, "
        f"{text.quantity(took[longest], 's')} of {text.quantity(sum(took.values()), 's')}; "
        f"most memory: {_RESOURCES[largest]}, {text.quantity(grown[largest], 'bytes')}"
    )
    figure, (times, sizes) = drawing.canvas(title, 2, height=2.2 + 0.36 * len(names), sharey=True)
    for place, page_cache in enumerate(caches):
        left, look = 0.0, drawing.look(1 + place)
        thickness = 0.76 / len(caches)
        for row, name in enumerate(names):
            y = row - 0.38 + thickness * (place + 0.5)
            values = _cached(frames["time", name], page_cache)["value"]
            label = f"{page_cache} page cache (median)"
            times.barh(y, values.median(), thickness * 0.9, left, color=look["color"], label=label)
            times.plot(left + values, [y] * len(values), "k.", markersize=3, alpha=0.5)
            left += float(values.median())
    left = 0.0
    for row, name in enumerate(names):
        for kind, color in _KINDS.items():
            values = frames[kind, name]["value"] / _MIB
            sizes.barh(row, values.median(), 0.6, left, color=color, label=f"{kind} memory (median)")
            sizes.plot(left + values, [row] * len(values), "k.", markersize=3, alpha=0.5)
            left += float(values.median())
    times.set_xlabel("seconds since the start")
    sizes.set_xlabel("memory of the process (MiB)")
    _from_zero(times, sizes)
    _rows(times, [_RESOURCES[name] for name in names])
    alt = f"{title}. One resource after another, each bar beginning where the one before ended."
    notes = ["each is loaded after those above it", _SMALL, *scene.notes(*frames.values())]
    return [drawing.finish(figure, "lazy-loading-resources", title, alt, notes)]


def _imports(scene: Scene) -> list[Drawn]:
    shown = scene.measured("import_time"), scene.measured("import_anonymous")
    if any(frame.empty for frame in shown):
        return []
    subjects = scene.subjects(shown[0]["subject"])
    listed = [
        f"{subject} {text.quantity(time, 's')} and {text.quantity(size, 'bytes')}"
        for subject in subjects
        for time, size in [[frame.loc[frame["subject"] == subject, "value"].median() for frame in shown]]
    ]
    title = f"Importing the code alone: {', '.join(listed)}"
    figure, panels = drawing.canvas(title, 2, height=1.8 + 0.3 * len(subjects), sharey=True)
    for axes, frame, scale, words in zip(
        panels, shown, (1, _MIB), ("time to import (s)", "anonymous memory (MiB)"), strict=True
    ):
        for row, subject in enumerate(subjects):
            values = frame.loc[frame["subject"] == subject, "value"] / scale
            _dots(axes, row, values, drawing.look(scene.place(subject)), "")
        axes.set_xlabel(words)
    _from_zero(*panels)
    _rows(panels[0], subjects)
    alt = f"{title}. Nothing that is loaded on first use is among it."
    notes = [f"{_SMALL}, each the median of several fresh interpreters", *scene.notes(*shown)]
    return [drawing.finish(figure, "lazy-loading-imports", title, alt, notes)]


def _pause(scene: Scene) -> list[Drawn]:
    latency = scene.measured("first_request_latency", page_cache="cold")
    latency = latency[factor(latency, "shape").isna()]
    later = latency[factor(latency, "pause_s").notna()]
    if later.empty:
        return []
    pauses = sorted(set(factor(later, "pause_s")))
    shown = latency[latency["subject"].isin(list(later["subject"]))]
    asked = factor(shown, "pause_s").fillna(0)
    medians = shown["value"].groupby([shown["subject"], asked]).median()
    subjects = scene.subjects(later["subject"])
    listed = [
        f"{subject} {text.quantity(medians[subject, 0], 's')} and {text.quantity(medians[subject, pauses[-1]], 's')}"
        for subject in subjects
        if (subject, 0) in medians
    ]
    title = f"{scene.lead(shown)}A first request at once and {pauses[-1]} s after ready waits: {'; '.join(listed)}"
    figure, (axes,) = drawing.canvas(title, height=1.9 + 0.35 * len(subjects))
    for row, subject in enumerate(subjects):
        for place, pause in enumerate((0, *pauses), start=1):
            values = shown.loc[(shown["subject"] == subject) & (asked == pause), "value"]
            if not values.empty:
                words = "at once" if pause == 0 else f"{pause} s after ready"
                _dots(axes, row, values, drawing.look(place), f"asked {words} (median)")
    _from_zero(axes)
    axes.set_xlabel("latency of the first request (s)")
    _rows(axes, subjects)
    alt = f"{title}. Per subject, the latency of a first request that comes at once and after a pause."
    notes = ["cold page cache", _SMALL, *scene.notes(shown)]
    return [drawing.finish(figure, "lazy-loading-pause", title, alt, notes)]
