"""What the data say of a comparison, by rules stated before any run."""

from __future__ import annotations

import math
from enum import StrEnum

MARGIN = math.log(1.05)
"""What *no difference* means: less than five percent, as a bound of |log ratio|. It does not grow with the noise."""


class Conclusion(StrEnum):
    """What the data say of one subject against its reference, in one metric and condition."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "no difference"
    BELOW = "smaller than the noise floor"
    OPEN = "cannot tell"
    NONE = "no verdict"
    INDICATIVE = "indicative"


UNDECIDED = (Conclusion.OPEN, Conclusion.NONE, Conclusion.INDICATIVE)
"""What says nothing of the comparison either way."""

Region = tuple[float, float]


def regions(better: str, floor: float | None) -> dict[Conclusion, Region]:
    """Return between which ends an interval of the log ratio must lie for each conclusion; the first that fits counts.

    Wholly beyond the noise ``floor``, a bound of |log ratio|: *helps* or *hurts*. Wholly within the `MARGIN`, and
    around 0: *no difference*; where the floor is wider than the margin, nothing is. Without a floor equals are taken
    to be equal, which holds for what no clock and no machine can change, such as hits on a given trace.
    """
    reach = floor or 0.0
    above, below = (reach, math.inf), (-math.inf, -reach)
    helps, hurts = (above, below) if better == "higher" else (below, above)
    found = {Conclusion.HELPS: helps, Conclusion.HURTS: hurts}
    if reach <= MARGIN:
        found[Conclusion.SAME] = (-MARGIN, MARGIN)
    return found


def conclude(low: float | None, high: float | None, better: str, floor: float | None) -> Conclusion:
    """Return what the interval ``low`` to ``high`` of a ratio says, by its `regions`.

    One that excludes 1 and lies within the floor is *smaller than the noise floor*, whatever else it is: something was
    seen, and it is no larger than what is seen between equals. Without an interval: *indicative*. Where nothing fits:
    *cannot tell*.
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Conclusion.INDICATIVE
    start, end, reach = math.log(low), math.log(high), floor or 0.0
    differs = not start <= 0 <= end
    if differs and -reach <= start and end <= reach:
        return Conclusion.BELOW
    for conclusion, (least, most) in regions(better, floor).items():
        if _lies(start, end, least, most) and not (differs and conclusion is Conclusion.SAME):
            return conclusion
    return Conclusion.OPEN


def _lies(start: float, end: float, least: float, most: float) -> bool:
    # What no clock and no machine can change has an interval without width: on the edge of nothing it is nothing.
    within = least <= start and end <= most
    return within and not (math.isinf(least) and end == most) and not (math.isinf(most) and start == least)
