"""The settings of the agents that have a process each."""

from __future__ import annotations

from systems.baseline.settings import BaselineSettings


class PerProcessSettings(BaselineSettings, frozen=True, kw_only=True):
    """What the agent in every process is set to: the traditional agent's settings.

    ``sessions`` is how many processes may run at once; the least recently asked ends first. No process holds a
    dictionary: some fifty megabytes an agent are not what who runs a process for each would pay for keywords.
    """

    dictionary: bool = False
