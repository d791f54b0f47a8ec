"""What says how far to degrade: memory in use, memory expected, or what the kernel feels.

A judge looks at each reading and names the stage it calls for. How stages are entered and left is `Pressure`'s.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

from systems.mechanisms.memory_in_use import Reading
from systems.tiered.pressure.forecast import Forecast
from systems.tiered.pressure.kernel import KernelPressure


class Stage(IntEnum):
    """How far the agent is degraded, in the order of the published architecture; each includes those before it."""

    NORMAL = 0
    NO_PREFETCH = 1
    SMALLER_CACHES = 2
    COMPRESSING = 3
    REFUSING = 4


class StageSteps(NamedTuple):
    """The shares of the limit at which each stage begins, and by how much a share must fall below to leave it."""

    no_prefetch: float = 0.70
    smaller_caches: float = 0.80
    compressing: float = 0.88
    refusing: float = 0.95
    margin: float = 0.03

    def stage(self, share: float, held: Stage) -> Stage:
        """Return the stage that a share of the limit calls for, when ``held`` is the stage now."""
        begins = self[:4]
        reached = [Stage(number) for number, at in enumerate(begins, 1) if share >= at]
        kept = [Stage(number) for number, at in enumerate(begins, 1) if number <= held and share >= at - self.margin]
        return max([*reached, *kept], default=Stage.NORMAL)


class Judge(Protocol):
    """Names the stage that a reading calls for."""

    def stage(self, reading: Reading, at_s: float, held: Stage) -> Stage:
        """Return the stage called for at the moment ``at_s``, when ``held`` is the stage now."""


class ByUse:
    """Stages by what is in use now."""

    def __init__(self, steps: StageSteps | None = None) -> None:
        self._steps = steps or StageSteps()

    def stage(self, reading: Reading, at_s: float, held: Stage) -> Stage:  # noqa: ARG002 - the protocol's
        """Return the stage called for."""
        return self._steps.stage(reading.share, held)


class ByForecast:
    """Stages by what is in use or expected at the forecast's horizon, whichever is more.

    Refusal looks only ``refusal_horizon_s`` ahead: it works at once, while freeing memory takes time, and what is
    freed until then should count. Below ``from_share`` of the limit a steep trend alone means nothing: that is how
    every agent starts.
    """

    def __init__(
        self,
        forecast: Forecast,
        steps: StageSteps | None = None,
        *,
        refusal_horizon_s: float = 0.5,
        from_share: float = 0.5,
    ) -> None:
        self._forecast = forecast
        self._steps = steps or StageSteps()
        self._refusal_horizon_s = refusal_horizon_s
        self._from_share = from_share

    def stage(self, reading: Reading, at_s: float, held: Stage) -> Stage:  # noqa: ARG002 - the protocol's
        """Return the stage called for; `Pressure` gives the forecast its samples."""
        if reading.share < self._from_share:
            return self._steps.stage(reading.share, held)
        soon = self._forecast.expected(self._refusal_horizon_s) / reading.limit
        later = self._forecast.expected() / reading.limit
        refusal = self._steps.stage(max(reading.share, soon), held)
        wanted = self._steps.stage(max(reading.share, soon, later), held)
        return wanted if refusal is Stage.REFUSING else min(wanted, Stage.COMPRESSING)


class ByKernel:
    """Stages by what the kernel reports, and nothing else."""

    def __init__(self, kernel: KernelPressure) -> None:
        self._kernel = kernel

    def stage(self, reading: Reading, at_s: float, held: Stage) -> Stage:  # noqa: ARG002 - the protocol's
        """Return the stage called for: low, medium and critical pressure are the first, the third and refusal."""
        return (Stage.NORMAL, Stage.NO_PREFETCH, Stage.COMPRESSING, Stage.REFUSING)[self._kernel.level(at_s)]
