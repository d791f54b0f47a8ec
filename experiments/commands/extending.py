"""``--until-stable``: how many more blocks a run gets, as far as the time allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from experiments.commands import console
from experiments.measuring import records
from experiments.measuring.plan import Plan
from experiments.measuring.resuming import command_to_resume
from experiments.measuring.runs import TRIALS, RunInfo
from experiments.measuring.study import BLOCKS


class UntilStable:
    """Lengthens a run until each comparison has an answer, or an interval of ± ``precision`` (a share).

    ``planned`` plans the run with so many blocks, ``models`` are its model files by SHA-256; no block begins that would
    end after ``minutes`` from now.
    """

    def __init__(
        self, precision: float, minutes: float, planned: Callable[[int], Plan], models: Mapping[str, Path]
    ) -> None:
        self._precision = precision
        self._ends_at_s = time.monotonic() + 60 * minutes
        self._planned = planned
        self._models = models

    def __call__(self, info: RunInfo, path: Path) -> tuple[RunInfo, Plan] | None:
        """Return the run in ``path`` with as many more blocks as it needs and the time allows; None if it is done."""
        from experiments.analysis.run import load_run
        from experiments.report.scene import run_stability

        found = run_stability(load_run(path), self._precision)
        said = f"{found.unstable} of {found.comparisons} comparisons are not stable"
        if found.blocks is None:
            console.err.say(
                f"{said}, and more blocks would not help." if found.unstable else "Every comparison is stable."
            )
            return None
        # What few blocks say of many is rough: the run at most doubles before it looks again.
        blocks = self._in_time(info.blocks, min(found.blocks, max(2 * info.blocks, BLOCKS["standard"])))
        if blocks == info.blocks:
            again = command_to_resume(path, info, "--blocks", found.blocks, models=self._models)
            console.err.say(f"{said}, and the time is up. Go on with: {again}")
            return None
        console.err.say(f"{said}; going on to {blocks} blocks.")
        longer = self._planned(blocks)
        return msgspec.structs.replace(info, blocks=blocks, planned=longer.count(records.read(path / TRIALS))), longer

    def _in_time(self, done: int, wanted: int) -> int:
        """Return how many of the ``wanted`` blocks there is time for, the ``done`` ones included."""
        whole, ends_s = self._planned(wanted), time.monotonic()
        for block in range(done, wanted):
            ends_s += sum(s for spec, s in zip(whole.trials, whole.seconds, strict=True) if spec.block == block)
            if ends_s > self._ends_at_s:
                return block
        return wanted
