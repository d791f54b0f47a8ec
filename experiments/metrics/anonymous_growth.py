"""Growth: slope of the anonymous memory of the subject's processes over turns, in bytes a turn; and its interval.

The slope is that of least squares. All processes inside the limits count; of several, each by its part, so that pages
that a fork left shared count once.

The first third of the samples is dropped as warm-up. Samples of one process follow from each other, so the interval
is not drawn from them but from the means of ten stretches: a 95 % interval of the slope through those, by Student's t
with eight degrees of freedom. A slope around zero has no meaningful ratio to another, so no ratios are drawn from it.
It does not tell a leak from a cache that is still filling: a run too short shows the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy import special  # not scipy.stats: two seconds to import

from experiments.measuring.records import Record
from experiments.metrics._reading import subject
from experiments.metrics.interface import Metric, Missing

STRETCHES = 10


def anonymous_growth(record: Record) -> float | Missing:
    """Compute the slope."""
    found = _samples(record)
    # Where no byte came or went, arithmetic leaves some billionths of one.
    return found if isinstance(found, Missing) else round(float(np.polyfit(*found, 1)[0]), 6)


def growth_interval(record: Record, side: int) -> float | Missing:
    """Compute the lower (``side`` -1) or upper (1) end of the slope's 95 % interval."""
    found = _samples(record)
    if isinstance(found, Missing):
        return found
    if len(found[0]) < 3 * STRETCHES:
        return Missing("an interval needs three samples in each of ten stretches")
    return slope_interval(*found)[0 if side < 0 else 1]


def slope_interval(at: Sequence[float] | np.ndarray, sizes: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the slope of ``sizes`` over ``at``, through the means of ten stretches."""
    x, y = (np.array([part.mean() for part in np.array_split(values, STRETCHES)]) for values in (at, sizes))
    slope, offset = np.polyfit(x, y, 1)
    scatter = ((y - offset - slope * x) ** 2).sum() / (STRETCHES - 2)
    error = np.sqrt(scatter / ((x - x.mean()) ** 2).sum())
    margin = special.stdtrit(STRETCHES - 2, 0.975) * error
    return float(slope - margin), float(slope + margin)


def _samples(record: Record) -> tuple[np.ndarray, np.ndarray] | Missing:
    part = subject(record)
    if isinstance(part, Missing):
        return part
    turns, sizes = part.series.get("turn", []), part.series.get("anonymous_bytes", [])
    if not sizes or len(turns) != len(sizes):
        return Missing("no memory was read over the turns")
    warm_up = len(turns) // 3
    if len(set(turns[warm_up:])) < 2:
        return Missing("a slope needs two turns after the warm-up")
    return np.array(turns[warm_up:]), np.array(sizes[warm_up:])


METRICS = (
    Metric(
        name="anonymous_growth",
        title="Growth of anonymous memory",
        unit="bytes/turn",
        better="lower",
        formula="least-squares slope of anonymous bytes of the subject's processes over turns, first third dropped",
        compute=anonymous_growth,
        comparable=False,
    ),
    *(
        Metric(
            name=f"anonymous_growth_{name}",
            title=f"Growth of anonymous memory, {words} end of its interval",
            unit="bytes/turn",
            better="lower",
            formula="95 % interval of the slope through the means of ten stretches",
            compute=partial(growth_interval, side=side),
            comparable=False,
        )
        for name, words, side in (("low", "lower", -1), ("high", "upper", 1))
    ),
)
