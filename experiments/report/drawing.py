"""How every figure looks: size, colours and markers, claimed bands, notes, and the same bytes from the same data."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import matplotlib as mpl
import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from experiments.analysis.claims import Claim
from experiments.report.text import plain, significant

# Okabe and Ito's colours, which people with any common colour blindness tell apart; black leads, yellow is left out.
PALETTE = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b6b6b"

# Coordinates to a hundredth of a point: nobody sees more, and it is a third of the bytes.
_ROUNDED = re.compile(rb"(?<=[ \"LMHVQC,])(-?\d+\.\d\d)\d+(?=[ \",\n])")
_MOST_ROWS = 200  # of the table of one figure
_LEGEND_LINE = 70  # characters of three labels that stand beside each other
_LEGEND_TWO = 96  # and of the longest labels of two columns
_HEADING_WORDS, _LIST_DIGITS = 4, 4  # from so many on a title is shown as a heading and a list
_MOST_DECADES = 9  # with a mark
_FULL_DECADES, _LONG_DECADES = (
    2.5,
    3.5,
)  # of a logarithmic axis: below the first three marks a decade, then two, then one

_RC: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.dpi": 100,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#e3e3e3",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "fourgig",
    "text.parse_math": False,
}


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with one message. ``alt`` describes it to readers who cannot see it.

    ``data`` are the rows of a table of the drawn values, the first row its heading; empty where no line has a name.
    """

    name: str
    title: str
    alt: str
    data: list[tuple[str, ...]]
    svg: bytes

    def _repr_svg_(self) -> str:
        """Return the figure for a notebook."""
        return self.inline()

    @property
    def heading(self) -> str:
        """The title without the numbers that it lists: those stand below the figure, in its notes."""
        return _split(self.title)[0]

    def inline(self) -> str:
        """Return the SVG for a page that holds several: no prologue, no comments, identifiers of its own."""
        text = self.svg.decode()
        text = re.sub(r"<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
        text = re.sub(r'\bid="', f'id="{self.name}-', text)
        text = re.sub(r'href="#', f'href="#{self.name}-', text)
        text = re.sub(r"url\(#", f"url(#{self.name}-", text)
        return re.sub(r"\n\s*", "\n", text)


_TITLED = ContextVar("titled", default=True)


@contextmanager
def style(*, titled: bool = True) -> Iterator[None]:
    """Draw in the house style, and leave matplotlib's settings as they were.

    Without titles for a page whose captions hold them.
    """
    token = _TITLED.set(titled)
    try:
        with mpl.rc_context(_RC):
            yield
    finally:
        _TITLED.reset(token)


def canvas(
    title: str, columns: int = 1, *, rows: int = 1, height: float = 3.9, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a titled figure and its panels, row by row."""
    lines = textwrap.wrap(_split(plain(title))[0], 74)
    figure = Figure(figsize=(6.8, height - (0 if _TITLED.get() else 0.18 * len(lines))), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False, **options)
    if _TITLED.get():
        # A page that shows the title in words of its own finds this one by its name.
        figure.suptitle("\n".join(lines), x=0.01, ha="left", gid="title")
    return figure, list(panels.flat)


def _split(title: str) -> tuple[str, str]:
    """Return a title without the numbers that it lists after a colon, and these.

    The list stays where it has few digits, or where what stands before it would be too short to say what is shown.
    """
    colons = (each.start() for each in re.finditer(": ", title))
    # What stands in parentheses explains the words before them, and lists nothing.
    place = next((at for at in colons if title.count("(", 0, at) == title.count(")", 0, at)), len(title))
    heading, listed = title[:place], title[place + 2 :]
    is_list = len(heading.split()) >= _HEADING_WORDS and len(re.findall(r"\d", listed)) >= _LIST_DIGITS
    return (heading, listed) if is_list else (title, "")


def look(index: int) -> dict[str, Any]:
    """Return the colour and marker of the subject at ``index``; they repeat after the palette."""
    return {"color": PALETTE[index % len(PALETTE)], "marker": MARKERS[index % len(MARKERS)]}


def band(axes: Axes, claim: Claim, along: Literal["x", "y"] = "y") -> None:
    """Draw the claimed effect as a grey band with its name; nothing where the claim has no figure."""
    if claim.low is not None and claim.high is not None:
        ends(axes, claim, claim.low, claim.high, f"published: {claim.figure}", along)


def ends(axes: Axes, claim: Claim, low: float, high: float, label: str, along: Literal["x", "y"]) -> None:
    """Draw a grey band between two figures of a claim; a line where they are one."""
    figure = axes.get_figure(root=True)
    panel = figure.axes.index(axes) if figure else 0
    common: dict[str, Any] = {"color": "#9a9a9a", "zorder": 0.5, "label": label, "gid": f"claim-{claim.id}-{panel}"}
    if low == high:
        line = axes.axhline if along == "y" else axes.axvline
        line(low, linestyle="--", linewidth=1.4, **common)
    else:
        area = axes.axhspan if along == "y" else axes.axvspan
        area(low, high, alpha=0.35, linewidth=0, **common)


def logarithmic(axes: Axes, *names: Literal["x", "y"]) -> None:
    """Make axes logarithmic, with their numbers written out: marks for 1, 2 and 5 of each decade."""
    for name in names:
        axes.set(**{f"{name}scale": "log"})
        _write_out(axes.xaxis if name == "x" else axes.yaxis)


def _write_out(axis: Axis) -> None:
    axis.set_major_locator(_Decades())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


class _Decades(LogLocator):
    """Marks for 1, 2 and 5 of each decade, where so many fit beside each other; else fewer, and within one any."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return where the marks of this view stand."""
        low, high = sorted((vmin, vmax))
        decades = math.log10(high / low) if low > 0 else math.inf
        self.set_params(subs=(1, 2, 5) if decades < _FULL_DECADES else (1, 3) if decades < _LONG_DECADES else (1,))
        marks = super().tick_values(vmin, vmax)
        inside = sum(low <= mark <= high for mark in marks)
        room = self.axis.get_tick_space() if self.axis else _MOST_DECADES
        if decades < 1 and inside > room:
            # Where these would leave one or none, the marks are those of a linear axis, whatever the room.
            return MaxNLocator(max(3, room - 2), steps=[1, 2, 5, 10]).tick_values(vmin, vmax)
        if inside:
            return marks
        # A narrow panel is found to have no room, and would say nothing of its scale.
        return LogLocator(subs=(1,), numticks=_MOST_DECADES).tick_values(vmin, vmax)


def finish(
    figure: Figure,
    name: str,
    title: str,
    alt: str,
    notes: Sequence[str] = (),
    data: list[tuple[str, ...]] | None = None,
) -> Drawn:
    """Add the legend and the notes, and turn the figure into bytes that depend on nothing but the data.

    ``data`` is the figure as a table; None: the points of the lines that have a name.
    """
    listed = _split(plain(title))[1] if _TITLED.get() else ""
    notes = [*([f"in numbers: {listed.rstrip('.')}"] if listed else []), *dict.fromkeys(notes)]
    labels: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            labels.setdefault(label, handle)
    # The notes are the legend's title: a layout that keeps two things below the axes apart does not exist.
    legend = figure.legend(
        list(labels.values()),
        list(labels),
        loc="outside lower left",
        ncols=_columns(list(labels)),
        title=textwrap.fill(" ".join(f"{plain(note)[:1].upper()}{plain(note)[1:]}." for note in notes), 104)
        if notes
        else None,
        title_fontsize=8,
        alignment="left",
    )
    legend.get_title().set_color(GREY)
    # Laid out once. ("none" would leave an engine that only keeps the place, and for whose sake a figure is drawn once
    # more when it is saved.)
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine(None)
    svg = io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Drawn(
        name=name,
        title=plain(title),
        alt=plain(alt),
        data=_data(figure) if data is None else data,
        svg=_ROUNDED.sub(rb"\1", svg.getvalue()),
    )


def _columns(labels: Sequence[str]) -> int:
    """Return in how many columns a legend has room beside each other."""
    if len(labels) == 3 and sum(map(len, labels)) <= _LEGEND_LINE:
        return 3
    half = (len(labels) + 1) // 2
    longest = [max(map(len, column), default=0) for column in (labels[:half], labels[half:])]
    return 2 if sum(longest) <= _LEGEND_TWO else 1


def _data(figure: Figure) -> list[tuple[str, ...]]:
    """Return the named lines' points, thinned evenly where they are many."""
    lines = [(axes, line) for axes in figure.axes for line in axes.get_lines() if str(line.get_label())[:1] != "_"]
    if not lines:
        return []
    each = max(5, _MOST_ROWS // len(lines))
    rows = [("panel", "what", *(_heading([axes for axes, _ in lines], along) for along in ("x", "y")))]
    for axes, line in lines:
        x, y = (np.atleast_1d(np.asarray(values, dtype=float)) for values in line.get_data())
        for place in np.unique(np.linspace(0, len(x) - 1, min(each, len(x))).round().astype(int)):
            point = _written(axes.xaxis, x[place]), _written(axes.yaxis, y[place])
            rows.append((plain(axes.get_title(loc="left")), plain(line.get_label()), *point))
    return [row[1:] for row in rows] if not any(panel for panel, *_ in rows[1:]) else rows


def _heading(panels: Sequence[Axes], along: str) -> str:
    """Return the labels of an axis, of all panels that have one."""
    labels = dict.fromkeys(plain(getattr(axes, f"get_{along}label")()) for axes in panels)
    return "; ".join(words for words in labels if words) or along


def _written(axis: Axis, value: float) -> str:
    """Return a value as the axis names it, where it has names; else with its digits."""
    named = axis.get_major_formatter()
    if isinstance(named, FixedFormatter):
        places = np.asarray(axis.get_majorticklocs())
        nearest = int(np.abs(places - value).argmin())
        if abs(places[nearest] - value) < 0.5:
            return plain(named.seq[nearest])
    return significant(value, 4)
