"""Numbers as people read them: three significant digits, a unit, and never rounded onto a round claim."""

from __future__ import annotations

import math
import re

from experiments.analysis.scales import ratio

_SCALES = {
    "s": (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)),
    "bytes": (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30)),
}
_NBSP = "\u00a0"
_NOISE = 1e-9
_SUFFIX = {"ratio": "", "count": "", "1/s": f"{_NBSP}/s"}


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` with that many significant digits; more where fewer would make it seem exactly one.

    What differs from one by no more than sums of floats do is one.
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    written = f"{value:,.{decimals}f}"
    while abs(value - 1) > _NOISE and float(written.replace(",", "")) == 1 and decimals < 15:
        decimals += 1
        written = f"{value:,.{decimals}f}"
    return written.replace("-", "−")


def quantity(value: float, unit: str) -> str:
    """Return ``value`` in the largest fitting multiple of ``unit``."""
    base, _, per = unit.partition("/")
    if base in _SCALES:
        scales = _SCALES[base]
        name, factor = next((s for s in reversed(scales) if abs(value) >= s[1]), scales[0])
        if value == 0:
            name, factor = base, 1.0
        return f"{significant(value / factor)}{_NBSP}{name}" + (f"/{per}" if per else "")
    return significant(value) + _SUFFIX.get(unit, f"{_NBSP}{unit}")


def percent(change: float) -> str:
    """Return a change, given in percent, with its sign."""
    return f"{'+' if change > 0 else ''}{significant(change)}{_NBSP}%"


def interval(ratio: float | None, low: float | None, high: float | None) -> str:
    """Return a ratio with its 95 % interval; alone where there is none, a dash where there is no ratio."""
    if ratio is None or math.isnan(ratio):
        return "–"
    return f"× {significant(ratio)}{' (' + ends(low, high) + ')' if ends(low, high) != '–' else ''}"


def ends(low: float | None, high: float | None) -> str:
    """Return an interval's ends; a dash where there is none."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "–"
    return f"{significant(low)} … {significant(high)}"


def more_blocks(count: int) -> str:
    """Return that so many more blocks would settle a comparison."""
    return f"{count} more block{'s' if count != 1 else ''} would settle it, if the rest are like these"


def floor(bound: float | None) -> str:
    """Return a noise floor, in log ratios, in percent; a dash where none was measured."""
    return "–" if bound is None or math.isnan(bound) else f"± {share(ratio(bound) - 1)}"


def share(value: float | None) -> str:
    """Return a share as a percentage; a dash where there is none. What sums of floats err is no share."""
    if value is None or math.isnan(value):
        return "–"
    return f"{significant(100 * value if abs(value) > _NOISE else 0.0, 2)}{_NBSP}%"


def span(low: float, high: float, unit: str) -> str:
    """Return a range; one quantity where both ends read alike."""
    ends = quantity(low, unit), quantity(high, unit)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} … {ends[1]}"


def plain(words: object) -> str:
    """Return text from a record without control characters, on one line; spaces that do not break stay."""
    text = str(words)
    if not text.isprintable():  # seldom so, and to look at each character takes time
        text = "".join(c if c.isprintable() or c == _NBSP else " " for c in text)
    return re.sub(r" +", " ", text).strip()


def slug(words: object) -> str:
    """Return a file name made of ``words``."""
    return re.sub(r"[^a-z0-9]+", "-", str(words).lower()).strip("-")[:80] or "unnamed"
