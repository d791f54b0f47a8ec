"""Isolation: the law of sleeps beside what was measured, other kinds of work, stalls of the loop, the short task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from experiments.analysis import claims
from experiments.analysis.claims import Claim
from experiments.analysis.conclusions import Conclusion
from experiments.metrics.measured_over_law import change_by_law
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import distributions
from experiments.report.scene import Scene, factor

PUBLISHED_REQUESTS = (10, 50, 100)
_MET_WITHIN = 1.0  # percentage points
_SHOWN_WORKERS = (2, 6, 32)
_LOAD_ISOLATION = "load isolation"


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures for which there are records."""
    made = (_sleeps, _law, _kinds, _stalls, _inference, _latencies, _short_tasks)
    return [drawn for figure in made for drawn in figure(scene)]


def _change(ratios: pd.Series[float]) -> pd.Series[float]:
    return (ratios - 1) * 100


def threads(scene: Scene) -> dict[str, int]:
    """Return the number of threads of each subject that has one."""
    specs = (record.spec for record in scene.records)
    return {spec.subject: int(str(spec.settings["workers"])) for spec in specs if "workers" in spec.settings}


def _sleeps(scene: Scene) -> Iterator[Drawn]:
    shown = scene.compared("total_time", work="sleep")
    shown = shown.assign(requests=factor(shown, "requests"), workers=shown["subject"].map(threads(scene)))
    shown = shown[shown["workers"].notna() & shown["requests"].isin(list(PUBLISHED_REQUESTS))]
    if shown.empty:
        return
    shown = shown.assign(workers=shown["workers"].astype(int), change=_change(shown["ratio"]))
    claim = claims.get("S0-time")
    medians = shown.groupby(["requests", "workers"])["change"].median().reset_index()
    title = _met(medians, claim)
    levels = sorted(set(shown["requests"]))
    figure, panels = drawing.canvas(title, len(levels), height=4.6, sharey=True)
    marks = sorted({1, *shown["workers"]})
    for place, (axes, requests) in enumerate(zip(panels, levels, strict=True)):
        mine = shown[shown["requests"] == requests]
        drawing.band(axes, claim)
        law = [change_by_law(requests, workers) for workers in range(1, max(marks) + 1)]
        axes.plot(
            range(1, max(marks) + 1),
            law,
            color=drawing.GREY,
            linewidth=1,
            label="rounds of so many sleeps at once (⌈N/W⌉·d)",
            gid=f"law-{requests}",
        )
        label = "measured, a point a block"
        axes.plot(mine["workers"], mine["change"], linestyle="none", alpha=0.7, label=label, **drawing.look(1))
        axes.set_title(f"{requests} requests")
        axes.set_xscale("log", base=2)
        powers = [2**power for power in range(max(marks).bit_length())]
        axes.set_xticks(powers, [str(count) for count in powers])
        axes.minorticks_off()
        axes.set_xlabel("threads")
        if place == 0:
            axes.set_ylabel("total time against serial (%)")
    alt = f"{title} Change of total time in percent over threads, a panel a number of requests, with the law's line."
    notes = [*scene.notes(shown), "an end counts as met where the median over blocks comes within 1 percentage point"]
    yield drawing.finish(figure, "isolation-sleeps", title, alt, notes)


def _met(medians: pd.DataFrame, claim: Claim) -> str:
    """Say which numbers of threads meet each end of the published range, and which come nearest where none does."""
    sentences = []
    for end in (claim.high, claim.low):
        if end is None:
            continue
        away = (medians["change"] - end).abs()
        met, nearest = medians[away <= _MET_WITHIN], medians[away == away.min()]
        name = f"{text.significant(end, 4)} %"
        if met.empty:
            sentences.append(f"{name} by none that was measured, nearest {_cases(nearest)}")
        else:
            sentences.append(f"{name} by {_cases(met)}")
    return f"Which numbers of threads give the published gains: {'; '.join(sentences)}."


def _cases(medians: pd.DataFrame) -> str:
    return ", ".join(
        f"{one['workers']} for {one['requests']} requests ({text.percent(one['change'])})"
        for one in medians.to_dict("records")
    )


def _law(scene: Scene) -> Iterator[Drawn]:
    shown = scene.measured("measured_over_law", work="sleep")
    if shown.empty:
        return
    subjects = scene.subjects(shown["subject"])
    workers = threads(scene)
    middle, low, high = shown["value"].median(), shown["value"].min(), shown["value"].max()
    title = (
        "Time of sleeping requests, over that of as many rounds of sleeps as the threads need: "
        f"× {text.significant(middle)} (range {text.significant(low)} … {text.significant(high)})"
    )
    figure, (axes,) = drawing.canvas(title)
    levels = sorted(set(factor(shown, "requests")))
    for place, requests in enumerate(levels):
        mine = shown[factor(shown, "requests") == requests]
        offset = 0.14 * (place - (len(levels) - 1) / 2)
        axes.plot(
            [subjects.index(subject) + offset for subject in mine["subject"]],
            mine["value"],
            linestyle="none",
            markersize=4.5,
            alpha=0.7,
            label=f"{requests} requests, a point a block",
            **drawing.look(place),
        )
    axes.axhline(1, color=drawing.GREY, linewidth=0.8)
    medians = shown.groupby("subject")["value"].median()
    names = [f"{workers.get(each, 'serial')}\n{text.significant(medians[each])}" for each in subjects]
    axes.set_xticks(range(len(subjects)), names)
    axes.set_xlabel("threads, and below them the median over requests and blocks")
    axes.set_ylabel("measured over predicted")
    alt = f"{title}. Total time over the law's, for each number of threads and of requests, a point a block."
    yield drawing.finish(figure, "isolation-law", title, alt, scene.notes(shown))


def _side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one condition of each kind of work with its ``kind``: the largest number of requests that all kinds share.

    Of sleeps the smallest; inference with the largest number of its own.
    """
    work = factor(frame, "work")
    frame = frame.assign(kind=work, requests=factor(frame, "requests"))
    frame = frame.loc[work != _LOAD_ISOLATION]
    blocking, inference = frame[frame["kind"] != "inference"], frame[frame["kind"] == "inference"]
    shared = [set(group["requests"]) for _, group in blocking.groupby("kind")]
    most = max(set.intersection(*shared), default=None) if shared else None
    blocking = blocking[blocking["requests"] == most]
    for name in ("kilobytes", "sleep_ms"):
        level = pd.to_numeric(factor(blocking, name))
        blocking = blocking[level.isna() | (level == level.min())]
    inference = inference[inference["requests"] == inference["requests"].max()]
    chosen: pd.DataFrame = pd.concat([blocking, inference])
    return chosen


def _dots(axes: Axes, frame: pd.DataFrame, column: str, series: Mapping[str, str], rows: Sequence[str]) -> None:
    """Draw a point a block: a row a kind of ``frame``, a look for each subject in ``series``, which names them."""
    here = {
        kind: [each for each in series if each in set(frame.loc[frame["kind"] == kind, "subject"])] for kind in rows
    }
    for place, (subject, label) in enumerate(series.items()):
        mine = frame[frame["subject"] == subject]
        axes.plot(
            mine[column],
            [
                rows.index(kind) + 0.16 * (here[kind].index(subject) - (len(here[kind]) - 1) / 2)
                for kind in mine["kind"]
            ],
            linestyle="none",
            markersize=5,
            alpha=0.75,
            label=label,
            **drawing.look(place),
        )
    drawing.logarithmic(axes, "x")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    for row in range(1, len(rows)):
        axes.axhline(row - 0.5, color="#e3e3e3", linewidth=0.8)


def _in_loop(scene: Scene) -> set[str]:
    """Return the subjects that do their work in the event loop."""
    return {"serial"} | {each.spec.subject for each in scene.records if each.spec.hosting == "in-loop"}


def _series(scene: Scene, subjects: Iterable[str]) -> dict[str, str]:
    """Return what each subject is called: by its threads if it has some."""
    names = {each: f"{each}, in the loop" for each in _in_loop(scene)}
    names |= {subject: f"{count} thread{'s' if count > 1 else ''}" for subject, count in threads(scene).items()}
    return {each: text.plain(names.get(each, each)) for each in scene.subjects(subjects)}


def _kinds(scene: Scene) -> Iterator[Drawn]:
    """Draw the total time of every kind of work on threads against the same work in the loop, all else equal."""
    offloaded = [each for each, count in threads(scene).items() if count in _SHOWN_WORKERS]
    offloaded += [each.spec.subject for each in scene.records if each.spec.hosting == "alone"]
    compared = scene.compared("total_time")
    shown = _side_by_side(compared[compared["subject"].isin(offloaded)])
    if shown.empty:
        return
    rows = sorted(set(shown["kind"]), key=lambda kind: shown.loc[shown["kind"] == kind, "ratio"].median())
    listed = []
    for kind in rows:
        medians = shown[shown["kind"] == kind].groupby("subject")["ratio"].median()
        ends = dict.fromkeys(text.significant(end, 2) for end in (medians.min(), medians.max()))
        listed.append(f"{kind} × {' … '.join(ends)}")
    title = f"{scene.lead(shown[shown['kind'] == 'inference'])}Off the loop the total time is: {', '.join(listed)}"
    figure, (axes,) = drawing.canvas(title, height=5.2)
    _dots(axes, shown, "ratio", _series(scene, shown["subject"]), rows)
    axes.axvline(1, color=drawing.GREY, linewidth=0.9)
    axes.set_yticks(range(len(rows)), [_row_name(scene, kind, shown[shown["kind"] == kind]) for kind in rows])
    axes.set_xlabel("total time over that in the loop (below 1 it helps)")
    alt = f"{title}. Ratio of total times, a row a kind of work, a point a block."
    yield drawing.finish(figure, "isolation-kinds", title, alt, scene.notes(shown))


def _row_name(scene: Scene, kind: str, shown: pd.DataFrame) -> str:
    """Return a row's name: the kind, its requests, and its conclusions, where there were blocks enough for some."""
    here = scene.conclusions
    here = here[(here["metric"] == "total_time") & here["condition"].isin(list(shown["condition"]))]
    series = _series(scene, shown["subject"])
    by_conclusion: dict[str, list[str]] = {}
    for subject, name in series.items():
        for conclusion in here.loc[here["subject"] == subject, "conclusion"]:
            if conclusion != Conclusion.INDICATIVE:
                by_conclusion.setdefault(str(conclusion), []).append(name.removesuffix(" threads"))
    lines = [f"{conclusion}: {', '.join(names)}" for conclusion, names in by_conclusion.items()]
    return "\n".join([f"{kind}, N = {shown['requests'].iloc[0]}", *lines])


def _stalls(scene: Scene) -> Iterator[Drawn]:
    measured = scene.measured("loop_delay_max")
    workers = threads(scene)
    default = [each for each, count in workers.items() if count == _SHOWN_WORKERS[1]]
    shown = _side_by_side(measured[measured["subject"].isin(default) | ~measured["subject"].isin(list(workers))])
    held = shown["subject"].isin(list(_in_loop(scene)))
    inside, beside = shown[held], shown[~held]
    if inside.empty or beside.empty:
        return
    rows = sorted(set(shown["kind"]), key=lambda kind: -shown.loc[shown["kind"] == kind, "value"].max())
    worst = beside["value"].max()
    where = beside.loc[beside["value"] == worst, "kind"].iloc[0]
    title = (
        f"{scene.lead(shown[shown['kind'] == 'inference'])}Work in the loop stops it for up to"
        f" {text.quantity(inside['value'].max(), 's')}; work beside it for up to"
        f" {text.quantity(worst, 's')} ({where})"
    )
    figure, (axes,) = drawing.canvas(title, height=4.6)
    _dots(axes, shown, "value", _series(scene, shown["subject"]), rows)
    axes.xaxis.set_major_locator(LogLocator())  # from below a millisecond to many seconds: a mark a decade
    sizes = shown.groupby("kind")["requests"].first()
    axes.set_yticks(range(len(rows)), [f"{kind}, N = {sizes[kind]}" for kind in rows])
    axes.set_xlabel("longest delay of a timer on the event loop (s)")
    alt = f"{title}. Longest event-loop delay in seconds, a row a kind of work, a point a block."
    yield drawing.finish(figure, "isolation-stalls", title, alt, scene.notes(shown))


def _short_tasks(scene: Scene) -> Iterator[Drawn]:
    shown = scene.measured("short_task_latency", work=_LOAD_ISOLATION)
    if shown.empty:
        return
    shown = shown.assign(kind=factor(shown, "task"))
    rows = list(dict.fromkeys(sorted(shown["kind"], reverse=True)))
    series = _series(scene, shown["subject"])
    listed = []
    for kind in rows:
        medians = shown[shown["kind"] == kind].groupby("subject")["value"].median()
        each = [f"{text.quantity(medians[one], 's')} ({name})" for one, name in series.items() if one in medians]
        listed.append(f"{kind} {', '.join(each)}")
    title = f"{scene.lead(shown)}Beside a long task a short one takes: {'; '.join(listed)}"
    figure, (axes,) = drawing.canvas(title)
    _dots(axes, shown, "value", series, rows)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("latency of the short task (s)")
    alt = f"{title}. Latency of the short task in seconds, a row a kind of task, a point a block."
    yield drawing.finish(figure, "isolation-short-task", title, alt, scene.notes(shown))


def _inference(scene: Scene) -> Iterator[Drawn]:
    shown = scene.compared("total_time", work="inference")
    if shown.empty:
        return
    levels = sorted(set(factor(shown, "requests")))
    changes = _change(shown["ratio"])
    reference = shown["reference"].iloc[0]
    ends = list(dict.fromkeys((text.percent(changes.min()), text.percent(changes.max()))))
    title = f"{scene.lead(shown)}With inference the total time changes by {' … '.join(ends)}"
    figure, (axes,) = drawing.canvas(title)
    drawing.band(axes, claims.get("S0-time"))
    subjects = scene.subjects(shown["subject"])
    for place, subject in enumerate(subjects):
        mine = shown["subject"] == subject
        offset = 0.12 * (place - (len(subjects) - 1) / 2)
        axes.plot(
            [levels.index(level) + offset for level in factor(shown[mine], "requests")],
            changes[mine],
            linestyle="none",
            alpha=0.8,
            label=text.plain(subject),
            **drawing.look(scene.place(subject)),
        )
    axes.axhline(0, color=drawing.GREY, linewidth=0.8)
    axes.set_xticks(range(len(levels)), [str(level) for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.set_xlabel("requests at once (a point a block)")
    axes.set_ylabel(f"total time against {text.plain(reference)} in the loop (%)")
    alt = f"{title}. Change of total time in percent per number of requests, a point a block."
    yield drawing.finish(figure, "isolation-inference", title, alt, scene.notes(shown))


def _latencies(scene: Scene) -> Iterator[Drawn]:
    """Draw the distributions of the largest case of each, sleeps and inference: every request, not only the last."""
    workers = threads(scene)
    others = {each for each, count in workers.items() if count not in _SHOWN_WORKERS}
    for work, called in (("sleep", "sleeps"), ("inference", "requests at once")):
        shown = scene.asked(work=work)
        shown = shown[~shown["subject"].isin(list(others))]
        if work == "sleep":
            shown = shown[factor(shown, "requests").isin(list(PUBLISHED_REQUESTS))]
        if shown.empty:
            continue
        requests = factor(shown, "requests")
        shown = shown[requests == requests.max()]
        shown = shown[shown["condition"] == shown["condition"].iloc[0]]
        looks = {each: drawing.look(place) for place, each in enumerate(scene.subjects(shown["subject"]))}
        yield distributions.draw(scene, f"isolation-latency-{work}", {f"{requests.max()} {called}": shown}, looks)
