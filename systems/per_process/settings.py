"""The settings of the agents that have a process each."""

from __future__ import annotations

from systems.baseline.settings import BaselineSettings


class PerProcessSettings(BaselineSettings, frozen=True, kw_only=True):
    """What the agent in every process is set to: the traditional agent's settings.

    ``sessions`` is how many processes may run at once; the least recently asked ends first. Texts are cut into words by
    the fast segmenter, which holds a fraction of the other's memory: who runs a process an agent would not choose
    otherwise.
    """

    fast_segmentation: bool = True
