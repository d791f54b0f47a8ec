"""What the data say of a comparison, by rules stated before any run: helps, hurts, no difference, or cannot tell."""

from __future__ import annotations

import math
from enum import StrEnum


class Conclusion(StrEnum):
    """What the data say of one subject against its reference, in one metric and condition."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "no difference"
    OPEN = "cannot tell"
    UNEVEN = "no verdict"
    INDICATIVE = "indicative"


def conclude(low: float | None, high: float | None, better: str, floor: float | None) -> Conclusion:
    """Hold a ratio's interval ``low`` to ``high`` against the noise ``floor``, a bound of |log ratio|.

    The interval wholly beyond the floor: *helps* or *hurts*. Wholly within it: *no difference*. Anything else:
    *cannot tell*. Without an interval: *indicative*. Without a floor equals are taken to be equal, which holds for
    what no clock and no machine can change, such as hits on a given trace.
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Conclusion.INDICATIVE
    reach = floor or 0.0
    if math.log(low) > reach:
        return Conclusion.HELPS if better == "higher" else Conclusion.HURTS
    if math.log(high) < -reach:
        return Conclusion.HELPS if better == "lower" else Conclusion.HURTS
    within = -reach <= math.log(low) and math.log(high) <= reach
    return Conclusion.SAME if within else Conclusion.OPEN
