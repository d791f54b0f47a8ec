"""When a run stops because nothing it does can count: the rule, stated before any run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from experiments.measuring.records import Outcome, Record, TrialSpec

FEWEST = 4
"""So many void trials one after another are no bad luck of a single one, however small a block is."""


class VoidBlocks:
    """Looks at each record as it comes, and tells when a whole block was void.

    That is so when the last of the block's ``trials`` to be run has ended, every one of them was void, and so was every
    trial before them as far back as it takes to make `FEWEST`. A block that has records of an earlier sitting which are
    not void is not wholly void.
    """

    def __init__(self, trials: Sequence[TrialSpec], measured_before: Sequence[Record]) -> None:
        self._left = Counter(spec.block for spec in trials)
        kept = {record.spec.block for record in measured_before if record.outcome is not Outcome.INVALID}
        self._measured = kept
        self._void: list[Record] = []

    def after(self, record: Record) -> str:
        """Return that the block of this record was wholly void, and why; empty where it was not, or is not over."""
        block = record.spec.block
        self._left[block] -= 1
        if record.outcome is not Outcome.INVALID:
            self._measured.add(block)
            self._void.clear()
            return ""
        self._void.append(record)
        if self._left[block] or block in self._measured or len(self._void) < FEWEST:
            return ""
        reasons = Counter(each.reason for each in self._void if each.spec.block == block)
        [(reason, count)] = reasons.most_common(1)
        every = reasons.total()
        trials = f"all {every} trials" if every > 1 else "the only trial"
        why = reason if count == every else f"{count} of them for this: {reason}"
        return f"Of block {block + 1} {trials} were void, so nothing of it can count: {why}".removesuffix(".")
