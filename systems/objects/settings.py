"""The settings of the agents whose states are objects of one process."""

from __future__ import annotations

from systems.baseline.settings import BaselineSettings
from systems.settings import HISTORY_LIMIT, HistoryLength, Positive


class ObjectsSettings(BaselineSettings, frozen=True, kw_only=True):
    """The traditional agent's settings, with histories that are kept whole and sessions that are not let go of.

    It holds no dictionary, as the agents in processes of their own hold none.
    """

    history_length: HistoryLength = HISTORY_LIMIT
    sessions: Positive = 1_000_000
    dictionary: bool = False
