"""What fits: speed, wait and disk reads over the size of the model, a series a limit."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.measuring.records import Outcome, Record
from experiments.metrics.generation import USABLE_RATE, USABLE_WAIT_S
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_GIB = 2**30
_SIDESTEP = 1.07  # equal models under different limits stand beside each other


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``what-fits``, as far as there are records."""
    points = _points(scene)
    if points.empty:
        return []
    return [_speed(scene, points), *_wait(scene, points), *_reads(scene, points)]


def _points(scene: Scene) -> pd.DataFrame:
    """Return a row a trial that was not void, of a model whose size is known: smallest limit and model first."""
    trials = [
        record
        for record in scene.records
        if record.spec.condition.get("part") == "what-fits" and record.outcome is not Outcome.INVALID
    ]
    sizes = {_model(record): part.values["model_bytes"] for record in trials for part in record.parts if part.values}
    rows = [
        {
            "key": record.key,
            "subject": record.spec.subject,
            "profile": record.spec.profile.name,
            "limit": record.spec.profile.memory_bytes / _GIB,
            "size": sizes[_model(record)] / _GIB,
            "outcome": record.outcome,
        }
        for record in trials
        if _model(record) in sizes
    ]
    points = pd.DataFrame(rows, columns=["key", "subject", "profile", "limit", "size", "outcome"])
    for metric in ("usable", "reply_share", "generation_rate", "first_token_wait", "disk_reads"):
        measured = scene.measured(metric, part="what-fits")
        points[metric] = points["key"].map(dict(zip(measured["key"], measured["value"], strict=True)))
    return points.sort_values(["limit", "size", "subject"], ignore_index=True)


def _model(record: Record) -> str | None:
    return record.spec.engine.model_sha256 if record.spec.engine else None


def _speed(scene: Scene, points: pd.DataFrame) -> Drawn:
    largest = []
    for profile, mine in points.groupby("profile", sort=False):
        passes = (mine["usable"] == 1).groupby(mine["subject"], sort=False).all()
        usable = list(passes.index[passes])
        largest.append(f"{usable[-1].partition(',')[0] if usable else 'none'} under {profile}")
    title = f"The largest usable model: {', '.join(largest)}"
    figure, axes = _over_size(points.assign(bound=points["reply_share"] < 1), title, "generation_rate")
    axes.axhline(USABLE_RATE, color=drawing.GREY, linestyle="--", label=f"usable: {USABLE_RATE:g} token/s or more")
    axes.set_ylabel("tokens per second")
    for _, point in points[points["outcome"] == Outcome.OUT_OF_MEMORY].iterrows():
        look = {"marker": "x", "color": _look(points, point["profile"])["color"]}
        _mark(axes, point, axes.get_ylim()[0], _shift(points, point["profile"]), **look)
    alt = f"{title}. Tokens per second over the size of the model, both logarithmic, a series a limit."
    return drawing.finish(figure, "memory-what-fits-speed", title, alt, _notes(scene, points, "at most this"))


def _wait(scene: Scene, points: pd.DataFrame) -> list[Drawn]:
    asked = points.dropna(subset=["first_token_wait"])
    if asked.empty:
        return []
    mapped = asked[_mapped(asked)]
    last = (asked if mapped.empty else mapped).iloc[-1]
    came = "comes after" if last["reply_share"] else "has not come after"
    waited = text.quantity(last["first_token_wait"], "s")
    title = f"The first token of {last['subject']} under {last['profile']} {came} {waited}"
    figure, axes = _over_size(asked.assign(bound=asked["reply_share"] == 0), title, "first_token_wait")
    axes.axhline(USABLE_WAIT_S, color=drawing.GREY, linestyle="--", label=f"usable: {USABLE_WAIT_S:g} s or less")
    axes.set_ylabel("wait for the first token (s)")
    alt = f"{title}. Seconds to the first token over the size of the model, both logarithmic, a series a limit."
    return [drawing.finish(figure, "memory-what-fits-wait", title, alt, _notes(scene, asked, "at least this"))]


def _reads(scene: Scene, points: pd.DataFrame) -> list[Drawn]:
    read = points.dropna(subset=["disk_reads"]).assign(times=lambda rows: rows["disk_reads"] / _GIB / rows["size"])
    if read.empty:
        return []
    most = read.sort_values("times").iloc[-1]
    title = (
        f"Under {most['profile']} {most['subject']} had {text.quantity(most['disk_reads'], 'bytes')} read from the "
        f"disk, {text.significant(most['times'], 2)} times its size"
    )
    figure, axes = _over_size(read.assign(bound=read["reply_share"] < 1), title, "times")
    axes.axhline(1, color=drawing.GREY, linestyle="--", label="read once")
    axes.set_ylabel("read from the disk (× the model's size)")
    alt = f"{title}. Bytes read over the model's size, over the size of the model, both logarithmic, a series a limit."
    return [drawing.finish(figure, "memory-what-fits-reads", title, alt, _notes(scene, read))]


def _over_size(points: pd.DataFrame, title: str, measure: str) -> tuple[Figure, Axes]:
    """Draw ``measure`` over the size of the model: a line a limit through the mapped models, a point a trial.

    What is only a ``bound`` is hollow.
    """
    figure, (axes,) = drawing.canvas(title, height=4.3)
    drawing.logarithmic(axes, "x", "y")
    for profile, mine in points.groupby("profile", sort=False):
        look, limit = _look(points, str(profile)), mine["limit"].iloc[0]
        mapped = mine[_mapped(mine)].dropna(subset=[measure])
        medians = mapped.groupby("size")[measure].median()
        shift = _shift(points, str(profile))
        axes.plot(medians.index * shift, medians, color=look["color"], linewidth=1.2)
        axes.axvline(limit, color=look["color"], linestyle=":", linewidth=1)
        axes.plot([], [], linewidth=1.2, label=f"under {text.plain(profile)} (dotted: the limit)", **look)
        for _, point in mine.dropna(subset=[measure]).iterrows():
            hollow = {"markerfacecolor": "white"} if point["bound"] else {}
            _mark(axes, point, point[measure], shift=shift, markersize=6, **look, **hollow)
    names = dict(zip(points["size"], points["subject"].str.partition(",")[0], strict=True))
    axes.set_xticks(
        list(names), [f"{text.plain(name)}\n{text.quantity(size * _GIB, 'bytes')}" for size, name in names.items()]
    )
    axes.minorticks_off()
    axes.set_xlabel("model and its size")
    return figure, axes


def _mapped(points: pd.DataFrame) -> pd.Series[bool]:
    return ~points["subject"].str.contains(",")


def _mark(axes: Axes, point: pd.Series[Any], at: float, shift: float = 1.0, **look: Any) -> None:
    """Draw one trial, with its way to load the model if that is not the default."""
    x = point["size"] * shift
    axes.plot([x], [at], linestyle="none", clip_on=False, zorder=4, **look)
    way = point["subject"].partition(", ")[2]
    if way:
        axes.annotate(
            text.plain(way), (x, at), xytext=(-7, 0), textcoords="offset points", ha="right", va="center", fontsize=7.5
        )


def _look(points: pd.DataFrame, profile: str) -> dict[str, Any]:
    return drawing.look(list(points["profile"].unique()).index(profile))


def _shift(points: pd.DataFrame, profile: str) -> float:
    profiles = list(points["profile"].unique())
    return float(_SIDESTEP ** (profiles.index(profile) - (len(profiles) - 1) / 2))


def _notes(scene: Scene, points: pd.DataFrame, bound: str = "") -> list[str]:
    """Return the notes of the figure: labels of the trials, the meaning of hollow points, and which were killed."""
    notes = []
    if (points["reply_share"] < 1).any():
        notes.append(", ".join(filter(None, ("hollow: not finished in the time allowed", bound))))
    killed = points[points["outcome"] == Outcome.OUT_OF_MEMORY]
    notes += [
        f"× out of memory: {subject} under {profile}"
        for subject, profile in killed[["subject", "profile"]].drop_duplicates().itertuples(index=False)
    ]
    return [*notes, *scene.notes(points)]
