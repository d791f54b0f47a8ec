"""The terminal, or what stands in for one: a pipe, a log, a narrow window, an ASCII one, a closed or a full one.

What is printed may have been said by anybody (a trial's last words, a subject's name, another package): none of it is
markup or a control sequence here. Names are folded where they do not fit, and never cut.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

from experiments.printable import printable

Cell = str | Text

_UNLIMITED = 100_000  # columns: who reads a pipe or a file has no width, and gets every line whole
_NARROWEST = 10  # columns a cell keeps; narrower, words would stand in letters one below the other


class Terminal(Console):
    """Prints text as it is: a `Text` brings its own style, and nothing in a string is obeyed.

    Where nobody reads any more what is printed, it is dropped, and the command goes on: a run is not lost with the
    window that showed it.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    @property
    def size(self) -> ConsoleDimensions:
        """The columns and lines there are: without a terminal, and without COLUMNS, no line is too long."""
        found = super().size
        if self.is_watched or "COLUMNS" in os.environ:
            return found
        return ConsoleDimensions(_UNLIMITED, found.height)

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        self._width, self._height = size

    @property
    def is_watched(self) -> bool:
        """Whether a terminal shows what is printed, and can show progress; a log that takes colours is none."""
        return self.is_terminal and self.file.isatty()

    def say(self, text: Cell, style: str = "") -> None:
        """Print one sentence, which no line break of ours takes apart: what is copied from it is whole."""
        self.print(text, style=style, soft_wrap=True)

    def show_table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = "") -> None:
        """Print a table whose cells fold; where it is too narrow for one, each row as lines of "column: cell"."""
        if not self.fits(columns, rows):
            self._show_list(columns, rows, title)
            return
        table = Table(title=title or None)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.print(table)

    def fits(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
        """Tell whether a table leaves each column what it holds, or `_NARROWEST` columns of it."""
        widest = [max(map(_cell_width, cells), default=0) for cells in zip(columns, *rows, strict=True)]
        borders = 3 * len(columns) + 1
        return borders + sum(min(each, _NARROWEST) for each in widest) <= self.width

    def _show_list(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str) -> None:
        if title:
            self.say(title, style="italic")
        for row in rows:
            for column, cell in zip(columns, row, strict=True):
                if not cell:
                    continue
                self.say(Text.assemble(f"{printable(column)}: " if column else "", self._text(cell)))
            self.say("")

    def _text(self, cell: Cell) -> Text:
        return cell if isinstance(cell, Text) else self.render_str(cell)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return what ``text`` says, obeying nothing in it; every string that is printed comes through here."""
        return super().render_str(printable(text), **how)

    def print(self, *objects: Any, **how: Any) -> None:
        """Print as rich does. What cannot be said on the standard error is dropped: it is nobody's result."""
        try:
            super().print(*objects, **how)
        except OSError:
            if not self.stderr:
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Let what is printed from now on go nowhere."""
        self.quiet = True
        forget(self.file.fileno())


def _cell_width(cell: Cell) -> int:
    return max((cell_len(line) for line in str(cell).splitlines()), default=0)


def forget(descriptor: int) -> None:
    """Let what is written to ``descriptor`` go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def is_unread(descriptor: int) -> bool:
    """Tell whether ``descriptor`` is a pipe that nobody reads any more."""
    asked = select.poll()
    asked.register(descriptor, 0)
    return any(events & select.POLLERR for _, events in asked.poll(0))


def prepare() -> None:
    """Make the standard streams fit to be used: a closed one goes nowhere, an ASCII one gets escapes for the rest.

    A number that is left free would be given to the next file that is opened: a record, perhaps, into which a child
    would then print.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdin = sys.stdin or os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
