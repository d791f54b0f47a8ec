"""The map of design decisions by conditions in one picture: what helps where, what it costs, and what is not known."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from matplotlib.axes import Axes

from experiments.report import drawing, effects, text
from experiments.report.decisions import DecisionMap, MapRow, Mark
from experiments.report.drawing import Drawn
from experiments.report.effects import Effect

TITLE = "Which design decision helps where"

# Widths in hundredths of an inch, so that what is written fits; heights likewise, of a line of marks or of a name.
_NAMES, _COLUMN, _LINE, _GAP, _HEAD = 190, 60, 13, 9, 40
_TINTS = {Effect.HELPS: "#e2f4ec", Effect.HURTS: "#fdeadd", Effect.SAME: "#e3f0fa", Effect.UNKNOWN: "#f3f3f3"}


def draw(answers: DecisionMap) -> list[Drawn]:
    """Return one figure: a row a decision, a column a condition, and in a cell a sign and a word for each test.

    Rows in which no real model ran stand apart, in italics and with hollow signs. None where nothing was measured.
    """
    if not answers.rows:
        return []
    heights = [_height(row) for row in answers.rows]
    apart = next((place for place, row in enumerate(answers.rows) if not row.modelled), len(answers.rows))
    total = _HEAD + sum(heights) + (2 * _LINE if apart < len(answers.rows) else 0)
    figure, [axes] = drawing.canvas(TITLE, height=0.9 + total / 100)
    axes.set_axis_off()
    axes.set_xlim(0, _NAMES + _COLUMN * len(answers.conditions))
    axes.set_ylim(total, 0)
    for place, condition in enumerate(answers.conditions):
        heading = textwrap.fill(text.plain(condition.title), 9)
        axes.text(_center(place), _HEAD - 6, heading, ha="center", va="bottom", fontsize=7.5, fontweight="bold")
    top = float(_HEAD)
    for place, (row, height) in enumerate(zip(answers.rows, heights, strict=True)):
        if place == apart:
            axes.text(
                0, top + 1.2 * _LINE, "No real language model ran in these:", va="center", fontsize=7.5, style="italic"
            )
            top += 2 * _LINE
        _draw_row(axes, row, top, height, len(answers.conditions))
        top += height
    return [drawing.finish(figure, "map", TITLE, _alt(answers), list(_notes(answers)), data=_data(answers))]


def _center(place: int) -> float:
    return _NAMES + _COLUMN * (place + 0.5)


def _name(row: MapRow) -> list[str]:
    title = text.plain(row.decision.title)
    return textwrap.wrap(f"{title[:1].upper()}{title[1:]}", 34)


def _height(row: MapRow) -> float:
    return _LINE * max(len(_name(row)), *(len(marks) for marks in row.cells.values())) + _GAP


def _draw_row(axes: Axes, row: MapRow, top: float, height: float, columns: int) -> None:
    axes.plot([0, _NAMES + _COLUMN * columns], [top, top], color="#d9d9d9", linewidth=0.6)
    middle = top + height / 2
    style = "normal" if row.modelled else "italic"
    axes.text(0, middle, "\n".join(_name(row)), va="center", fontsize=7.5, style=style, linespacing=1.15)
    for place, marks in enumerate(row.cells.values()):
        if not marks:
            continue
        shown = {mark.effect for mark in marks}
        tint = _TINTS[next(iter(shown))] if len(shown) == 1 else "#ffffff"
        left = _NAMES + _COLUMN * place
        axes.fill_between([left + 1, left + _COLUMN - 1], top + 1, top + height - 1, color=tint, linewidth=0, zorder=0)
        for line, mark in enumerate(marks):
            _draw_mark(axes, mark, left, middle + _LINE * (line - (len(marks) - 1) / 2))


def _draw_mark(axes: Axes, mark: Mark, left: float, height: float) -> None:
    sign, style = (mark.sign, "normal") if mark.modelled else (_hollow(mark.sign), "italic")
    color = effects.COLORS[mark.effect]
    axes.text(left + 8, height, sign, ha="center", va="center", fontsize=8, color=color, fontweight="bold")
    axes.text(left + 14, height, text.plain(mark.shows), va="center", fontsize=6.8, style=style)


def _hollow(sign: str) -> str:
    return {"▲": "△", "▼": "▽"}.get(sign, sign)


def _notes(answers: DecisionMap) -> Iterator[str]:
    meant = ", ".join(f"{effects.SIGNS[effect]} {effect}" for effect in Effect)
    yield f"{meant} (measured, and cannot be told); an empty cell was not measured"
    if any(not mark.modelled for row in answers.rows for mark in row.marks):
        yield "hollow signs and italics: no real language model ran"
    if answers.unmeasured:
        count = len(answers.unmeasured)
        yield f"left out, as nothing of them was measured: {count} decision{'s' if count > 1 else ''}"


def _alt(answers: DecisionMap) -> str:
    """Describe the picture to who cannot see it: by condition what helps, what hurts, and how much is not known."""
    sentences = []
    for condition in answers.conditions:
        marks = answers.under(condition)
        if not marks:
            sentences.append(f"{condition.advice}: not measured")
            continue
        said = [
            f"{effect}: {'; '.join(f'{mark.decision.title} ({mark.shows})' for mark in marks if mark.effect is effect)}"
            for effect in (Effect.HELPS, Effect.HURTS, Effect.SAME)
            if any(mark.effect is effect for mark in marks)
        ]
        unknown = Counter(mark.effect for mark in marks)[Effect.UNKNOWN]
        said += [f"not known: {unknown} of {len(marks)}"] if unknown else []
        sentences.append(f"{condition.advice}: {', '.join(said)}")
    return text.plain(f"{TITLE}. {'. '.join(sentences)}.")


def _data(answers: DecisionMap) -> list[tuple[str, ...]]:
    """Return a row a mark; a condition under which a decision was not measured has none."""
    rows: list[tuple[str, ...]] = [
        ("decision", "instead of", "condition", "known of", "what is known", "how much", "model")
    ]
    return rows + [
        (
            text.plain(row.decision.title),
            text.plain(row.decision.instead),
            text.plain(mark.condition.advice),
            text.plain(mark.shows),
            f"{mark.sign} {mark.effect}",
            text.plain(mark.much),
            "ran" if mark.modelled else "none ran",
        )
        for row in answers.rows
        for mark in row.marks
    ]
