"""What else the machine did while a trial ran: noise on its processors, and kills outside its limits."""

from __future__ import annotations

import signal
from collections.abc import Collection

from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.probes import processes
from experiments.measuring.probes.host import Noise
from experiments.measuring.records import Outcome, Record


class Meanwhile:
    """Watches from its construction on. ``inside`` are the subject's processors, ``beside`` those of the client.

    Every role is kept on its processors, so those of the subject are the ones whose noise counts.
    """

    def __init__(self, inside: Collection[int], beside: Collection[int]) -> None:
        self._share = not set(inside).isdisjoint(beside)
        self._kernel = Kernel()
        self._kills = self._kernel.oom_kills()
        self._waited_for_s = processes.waited_for_seconds()
        self._noise = Noise(inside, self._kernel)
        self._noise.start()

    def noise(self, inside_s: float | None, beside_s: float) -> dict[str, float]:
        """Return what `Noise.stop` says, once all of the trial has ended.

        ``inside_s`` is the processor time of all inside the limits by their group's own count, which misses nobody;
        where there is none, what was waited for stands for it. ``beside_s`` is that of the trial's client and services
        outside; where these have processors of their own, they disturb nobody and took nothing from the subject's.
        """
        if inside_s is None:
            inside_s = processes.waited_for_seconds() - self._waited_for_s - beside_s
        return self._noise.stop(inside_s + (beside_s if self._share else 0.0))

    def excuse(self, record: Record) -> None:
        """Make a trial void that lost a process to a kill, where the kernel killed some outside its group meanwhile.

        So the client goes when the machine is out of memory, and the subject where nothing is enforced.
        """
        lost = record.outcome is Outcome.CRASHED and -signal.SIGKILL in record.outside.exit_status.values()
        if lost and self._kernel.oom_kills() > self._kills:
            record.outcome = Outcome.INVALID
            record.reason = f"the kernel killed processes outside the limits for want of memory: {record.reason}"
