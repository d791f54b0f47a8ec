"""One picture for all figures: no test looks at the pixels of a PNG, and what a figure shows is in its SVG.

The pictures of every study are drawn in `tests.experiments.report.test_figures`, and those of real runs by CI.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

drawn = Figure.savefig
"""What draws a picture."""

_pictures: list[bytes] = []


def shared(figure: Figure, where: BytesIO, *, format: str, **options: Any) -> None:  # noqa: A002 - matplotlib's name
    """Save ``figure`` as `drawn` does; of pictures only the first is drawn, and it stands for all others."""
    if format == "png" and _pictures:
        where.write(_pictures[0])
        return
    drawn(figure, where, format=format, **options)
    if format == "png":
        _pictures.append(where.getvalue())
