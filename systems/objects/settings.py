"""The settings of the agents whose states are objects of one process."""

from __future__ import annotations

from systems.baseline.settings import BaselineSettings
from systems.settings import HISTORY_LIMIT, HistoryLength, Positive


class ObjectsSettings(BaselineSettings, frozen=True, kw_only=True):
    """The traditional agent's settings, with histories that are kept whole and sessions that are not let go of.

    Texts are cut into words by the fast segmenter, as in the other twin: its dictionary takes less of the memory that
    is measured.
    """

    history_length: HistoryLength = HISTORY_LIMIT
    sessions: Positive = 1_000_000
    fast_segmentation: bool = True
