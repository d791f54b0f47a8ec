"""The traditional agent's settings."""

from __future__ import annotations

from systems.settings import SharedSettings


class BaselineSettings(SharedSettings, frozen=True, kw_only=True):
    """The traditional agent's settings: the shared ones, and which segmenter cuts texts into words.

    ``fast_segmentation`` cuts them by rjieba, into the same words: so that an agent which does so too can be compared
    in everything else. Without a ``dictionary`` texts are cut by rules alone, and no segmenter is loaded.
    """

    fast_segmentation: bool = False
    dictionary: bool = True
