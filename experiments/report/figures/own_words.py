"""Who answers rightly: the trained reader beside a real model that speaks freely, by layout and lookup."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from scipy import special

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures.kinds import interval
from experiments.report.scene import Scene, factor

_RIGHT = "right_answers_english"  # the reader is asked in Chinese too
_SHOWN = {_RIGHT: "right answers", "answers_from_prompt": "right answers, where the evidence is in the prompt"}
_ASKED = {_RIGHT: "questions/en", "answers_from_prompt": "questions/in_prompt"}  # of how many these are shares
_FEWEST = 10  # questions: a share of fewer is in the table, and not drawn
_COLUMNS = {"other_values": "another value", "needless_refusals": "refused though told"}
_READER = "reader"
_ROW = ["conversation", "model", "layout", "subject"]


def draw(scene: Scene) -> list[Drawn]:
    """Return the figure of the parts ``own-words`` and ``natural-own-words``, beside the same systems' ``answers``."""
    frames = {metric: _rows(scene, metric) for metric in (*_SHOWN, *_COLUMNS)}
    shown = frames[_RIGHT]
    if not (shown["model"] != _READER).any():
        return []
    rows = list(dict.fromkeys(tuple(row) for row in shown[_ROW].itertuples(index=False)))
    title = _title(shown)
    figure, (axes,) = drawing.canvas(title, height=2.4 + 0.34 * len(rows))
    for place, (metric, label) in enumerate(_SHOWN.items()):
        look = drawing.look(place + 1)
        for at, row in enumerate(rows):
            values = _of(frames[metric], row) * 100
            asked = _asked(scene, frames[metric], row, _ASKED[metric])
            if values.empty or (metric != _RIGHT and asked < _FEWEST):
                continue
            height = at + 0.2 * (place - 0.5)
            axes.plot(values, [height] * len(values), linestyle="none", markersize=4, alpha=0.35, **look)
            ends = _ends(values, asked)
            axes.plot(ends, [height] * 2, marker="", linewidth=1.8, color=look["color"], solid_capstyle="butt")
            axes.plot(
                [values.mean()], [height], linestyle="none", markersize=7, markeredgecolor="white", label=label, **look
            )
    axes.set_yticks(range(len(rows)), [text.plain(_called(row)) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(-2, 102)
    axes.set_xlabel("questions in English (%)")
    alt = f"{title}. Shares of questions, a line a conversation, model, layout and system."
    return [drawing.finish(figure, "memory-own-words", title, alt, _notes(scene, shown), _table(scene, frames, rows))]


def _rows(scene: Scene, metric: str) -> pd.DataFrame:
    """Return the values of ``metric`` with who answered after what, in which layout."""
    frames = [
        scene.measured(metric, part=part).assign(conversation=conversation)
        for part, conversation in (("own-words", "plain"), ("natural-own-words", "natural"))
    ]
    own = pd.concat(frames)
    own = own.assign(model=factor(own, "model"), layout=factor(own, "layout"))
    read = scene.measured(metric, part="answers")
    read = read[factor(read, "turns").isin(set(factor(own, "turns"))) & read["subject"].isin(own["subject"])]
    settings = {record.key: record.spec.settings for record in scene.records}
    layouts = [str(settings[key].get("layout", "bracketed")) for key in read["key"]]
    read = read.assign(conversation="plain", model=_READER, layout=layouts)
    places = {subject: place for place, subject in enumerate(scene.subjects(own["subject"]))}
    rows = pd.concat([read, own])
    return rows.assign(place=rows["subject"].map(places)).sort_values(
        ["conversation", "model", "layout", "place"], ascending=[False, True, True, True], kind="stable"
    )


def _of(frame: pd.DataFrame, row: Sequence[str]) -> pd.Series[float]:
    return frame.loc[(frame[_ROW] == list(row)).all(axis=1), "value"].astype(float)


def _asked(scene: Scene, frame: pd.DataFrame, row: Sequence[str], noted: str = _ASKED[_RIGHT]) -> float:
    """Return how many questions were ``noted`` in all blocks of a row together."""
    keys = set(frame.loc[(frame[_ROW] == list(row)).all(axis=1), "key"])
    parts = [record.part() for record in scene.records if record.key in keys]
    return sum(part.values.get(noted, 0) for part in parts if part is not None)


def _ends(values: pd.Series[float], asked: float) -> list[float]:
    """Return the ends of the interval; where all blocks are alike, Wilson's for the questions of all of them."""
    if values.nunique() > 1 or not asked:
        return interval(values)
    share, z = values.iloc[0] / 100, special.ndtri(0.975)
    centre, spread = share + z**2 / (2 * asked), z * math.sqrt(share * (1 - share) / asked + (z / (2 * asked)) ** 2)
    return [100 * end / (1 + z**2 / asked) for end in (centre - spread, centre + spread)]


def _called(row: Sequence[str]) -> str:
    conversation, model, layout, subject = row
    return f"{model}, {layout}{', natural' if conversation == 'natural' else ''}: {subject}"


def _title(shown: pd.DataFrame) -> str:
    plain = shown[shown["conversation"] == "plain"]
    turns = int(max(factor(shown, "turns")))
    said = []
    for model, some in plain.groupby("model", sort=False):
        means = {row: _of(some, row).mean() for row in some[_ROW].itertuples(index=False, name=None)}
        best = max(means, key=lambda row: means[row])
        said.append(f"{model} {text.share(means[best])} ({best[-1]}, {best[-2]})")
    return f"Questions answered rightly after {turns:,} turns, at best: {'; '.join(said)}"


def _table(scene: Scene, frames: dict[str, pd.DataFrame], rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the figure as a table: means over the blocks, and of the right answers the interval."""
    heading = (
        *_ROW,
        "blocks",
        "questions",
        "right answers",
        "interval",
        "where in the prompt",
        "of",
        *_COLUMNS.values(),
    )
    table = [heading]
    for row in rows:
        right = _of(frames[_RIGHT], row)
        asked = _asked(scene, frames[_RIGHT], row)
        table.append(
            (
                *map(text.plain, row),
                str(len(right)),
                f"{asked:g}",
                text.share(right.mean()),
                text.ends(*_ends(right * 100, asked)),
                _share(_of(frames["answers_from_prompt"], row)),
                f"{_asked(scene, frames['answers_from_prompt'], row, _ASKED['answers_from_prompt']):g}",
                *(_share(_of(frames[metric], row)) for metric in _COLUMNS),
            )
        )
    return table


def _share(values: pd.Series[float]) -> str:
    return "–" if values.empty else text.share(values.mean())


def _notes(scene: Scene, shown: pd.DataFrame) -> list[str]:
    return [
        *scene.notes(shown),
        "the reader's answers are graded exactly; the real model's by what they contain, each asked in a new "
        "conversation",
        f"shares of fewer than {_FEWEST} questions whose evidence is in the prompt are not drawn",
        "points: blocks; lines: 95 % intervals, of fewer than six blocks the range",
    ]
