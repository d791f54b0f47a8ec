"""Analysis: what each pattern contains, how far a call overruns its deadline, what the agent's memory does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_SUBJECTS = {
    "in-loop": "in the loop",
    "thread": "on a thread",
    "as-listed": "subprocess as listed",
    "process": "overseen process",
}
_CASES = {
    "works": "works",
    "raises": "raises an error",
    "crashes": "crashes",
    "hangs": "hangs",
    "hangs-holding-lock": "hangs and holds the lock",
    "hangs-with-grandchild": "hangs, with a process of its own",
    "leaves-grandchild": "leaves a process, output open",
    "leaves-daemon": "leaves a daemon",
    "prints-noise": "prints noise",
    "floods": "prints 80 MiB",
    "eats-memory": "eats memory",
    "cancelled": "hangs, caller goes away",
    "agent-killed": "hangs, agent is killed",
}
"""Cases in words, in the order in which they are shown."""

_NEVER, _DIED = "analysis/never-returned", "analysis/agent-died"
_NO_RETURN = "agent died"
_LEAST_MIB = 0.1  # an axis of powers has no zero; the kernel counts pages
_APART = 0.17  # rows between the subjects of a case


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``analysis``, if there are records."""
    measured = {
        name: _known(scene.measured(name, part="analysis"))
        for name in ("analysis_contained", "analysis_overrun", "analysis_parent_memory")
    }
    if any(frame.empty for frame in measured.values()):
        return []
    return [
        _contained(scene, measured["analysis_contained"]),
        _overrun(scene, measured["analysis_overrun"]),
        _memory(scene, measured["analysis_parent_memory"]),
    ]


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(case=factor(frame, "case"))
    return frame[frame["case"].isin(list(_CASES)) & frame["subject"].isin(list(_SUBJECTS))]


def _cases(frame: pd.DataFrame) -> list[str]:
    return [case for case in _CASES if case in set(frame["case"])]


def _subjects(frame: pd.DataFrame) -> list[str]:
    return [subject for subject in _SUBJECTS if subject in set(frame["subject"])]


def _contained(scene: Scene, shown: pd.DataFrame) -> Drawn:
    """Draw the share of calls that were contained, a row a case and a column a subject."""
    shares = shown.groupby(["case", "subject"])["value"].mean()
    cases, subjects = _cases(shown), _subjects(shown)
    told = ", ".join(
        f"{_SUBJECTS[subject]} {sum(shares.get((case, subject), 0.0) == 1 for case in cases)}" for subject in subjects
    )
    title = f"Of {len(cases)} things that a program may do, these are contained each time: {told}"
    figure, (axes,) = drawing.canvas(title, height=2.1 + 0.3 * len(cases))
    rows: list[tuple[str, ...]] = [("the program", *(_SUBJECTS[subject] for subject in subjects))]
    for row, case in enumerate(cases):
        words = []
        for column, subject in enumerate(subjects):
            share = shares.get((case, subject))
            words.append("" if share is None else f"{100 * share:.0f} %")
            if share is not None:
                # White to blue: the words say the same to who sees no colour.
                axes.add_patch(_square(column, row, float(share)))
                axes.text(column, row, words[-1], ha="center", va="center", fontsize=8.5)
        rows.append((_CASES[case], *words))
    axes.set_xlim(-0.5, len(subjects) - 0.5)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.set_xticks(
        range(len(subjects)), [_SUBJECTS[subject].replace("subprocess ", "subprocess\n") for subject in subjects]
    )
    axes.set_yticks(range(len(cases)), [_CASES[case] for case in cases])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    alt = f"{title}. Share of calls that were contained, a row a case, a column where the program runs."
    notes = [
        "contained: the call ended as is due, the one beside it was answered, both in time, and nothing was left",
        *scene.notes(shown),
    ]
    return drawing.finish(figure, "research-analysis-contained", title, alt, notes, rows)


def _square(column: int, row: int, share: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (column - 0.48, row - 0.45), 0.96, 0.9, facecolor="#56B4E9", alpha=0.08 + 0.6 * share, linewidth=0, zorder=1.5
    )


def _overrun(scene: Scene, shown: pd.DataFrame) -> Drawn:
    """Draw by how much calls overran their deadline, a row a case, a look a subject."""
    ends = _ends(scene, shown)
    never = shown["key"].isin(list(ends[_NEVER]))
    returned = shown[~never & ~shown["key"].isin(list(ends[_DIED]))]
    worst = returned.groupby("subject")["value"].max()
    lost = _subjects(shown[never])
    told = ", ".join(
        f"{_SUBJECTS[each]} {text.quantity(worst[each], 's')}" for each in _subjects(returned) if each not in lost
    )
    title = f"Longest overrun of a deadline: {told}"
    if lost:
        title += f"; some calls never return {' and '.join(_SUBJECTS[each] for each in lost)}"
    claim = claims.get("S3-kill")
    deadline_s = float(factor(shown, "deadline_s").iloc[0])

    def words(mine: pd.DataFrame) -> str:
        for name, called in ((_NEVER, "never returned"), (_DIED, _NO_RETURN)):
            if mine["key"].isin(list(ends[name])).any():
                return called
        return ""

    figure, axes, rows = _by_case(title, shown, lambda seconds: seconds, "overrun (s)", words)
    drawing.ends(axes, claim, 0.0, 0.5, "allowed by the claim's criterion", "x")
    axes.set_xlim(left=-0.02)
    axes.set_xlabel(f"beyond the deadline of {deadline_s:g} s until a call returned or was given up (s)")
    alt = f"{title}. Longest time beyond the deadline in seconds, a row a case, by where the program runs."
    notes = [*scene.notes(shown), _LINES]
    return drawing.finish(figure, "research-analysis-overrun", title, alt, notes, rows)


def _memory(scene: Scene, shown: pd.DataFrame) -> Drawn:
    """Draw by how much the agent's memory grew, a row a case, a look a subject."""
    means = shown.groupby(["subject", "case"])["value"].mean()
    most = means.groupby("subject").max()
    told = [
        f"{_SUBJECTS[subject]} {text.quantity(most[subject], 'bytes')}"
        + (f" ({_CASES[means[subject].idxmax()]})" if subject == most.idxmax() else "")
        for subject in _subjects(shown)
    ]
    title = f"What a program costs the agent's own memory at most: {', '.join(told)}"
    figure, axes, rows = _by_case(
        title, shown, lambda size: max(size / 2**20, _LEAST_MIB), "growth (MiB)", lambda _: ""
    )
    drawing.logarithmic(axes, "x")
    axes.set_xlabel("growth of the agent's own resident memory during the call (MiB)")
    alt = f"{title}. Largest growth in mebibytes, a row a case, by where the program runs."
    notes = [*scene.notes(shown), _LINES, f"less than {_LEAST_MIB} MiB stands at {_LEAST_MIB}"]
    return drawing.finish(figure, "research-analysis-memory", title, alt, notes, rows)


_LINES = "points: means of the blocks; lines: 95 % intervals, of fewer than six blocks the range"


def _by_case(
    title: str,
    shown: pd.DataFrame,
    scale: Callable[[float], float],
    heading: str,
    words: Callable[[pd.DataFrame], str],
) -> tuple[Any, Any, list[tuple[str, ...]]]:
    """Return a figure with a mean and its interval for each case and subject, its panel, and its table."""
    cases, subjects = _cases(shown), _subjects(shown)
    figure, (axes,) = drawing.canvas(title, height=1.9 + 0.58 * len(cases))
    rows: list[tuple[str, ...]] = [("the program", "where it runs", heading, "what came of it")]
    for place, subject in enumerate(subjects):
        look = drawing.look(place)
        at: list[float] = []
        middles: list[float] = []
        for row, case in enumerate(cases):
            mine = shown[(shown["subject"] == subject) & (shown["case"] == case)]
            if mine.empty:
                continue
            values = mine["value"].map(scale)
            height = row + _APART * (place - (len(subjects) - 1) / 2)
            low, high = interval(values)
            middle, came = float(np.mean(values)), words(mine)
            if came != _NO_RETURN:  # what did not return was not in time either
                axes.plot([max(low, scale(0.0)), high], [height] * 2, marker="", linewidth=1.8, color=look["color"])
                at.append(height)
                middles.append(middle)
            rows.append((_CASES[case], _SUBJECTS[subject], text.significant(middle, 3), came))
            if came:
                axes.annotate(
                    came,
                    (middle, height),
                    xytext=(6 if came == _NO_RETURN else -6, 0),
                    ha="left" if came == _NO_RETURN else "right",
                    textcoords="offset points",
                    va="center",
                    fontsize=7.5,
                    color=look["color"],
                )
        axes.plot(
            middles, at, linestyle="none", markersize=6, markeredgecolor="white", label=_SUBJECTS[subject], **look
        )
    axes.set_yticks(range(len(cases)), [_CASES[case] for case in cases])
    axes.set_ylim(len(cases) - 0.5, -0.5)
    return figure, axes, rows


def _ends(scene: Scene, shown: pd.DataFrame) -> dict[str, set[str]]:
    """Return, for each end that is none of the call's own, the trials in which a call had it."""
    keys = set(shown["key"])
    return {
        name: {
            record.key
            for record in scene.records
            if record.key in keys and (part := record.part()) is not None and part.counters.get(name)
        }
        for name in (_NEVER, _DIED)
    }
