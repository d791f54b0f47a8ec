"""How long each step of the turns took, where somebody wants to know: a profile without a tracer.

A tracer counts what runs, and an agent waits: for the model, for the disk, for its place. So steps are timed from the
outside; those of turns that run at the same time overlap.
"""

from __future__ import annotations

from typing import NamedTuple

from systems.interface import Step


class StepTime(NamedTuple):
    """How often a step ran, and how many seconds that took together and at most."""

    times: int
    total_s: float
    longest_s: float


class StepTimes:
    """What the steps of turns took; ``turns_s`` is what the turns took, with what is no step of theirs."""

    def __init__(self) -> None:
        self.steps: dict[Step, StepTime] = {}
        self.turns = 0
        self.turns_s = 0.0

    def note(self, step: Step, seconds: float) -> None:
        """Note that ``step`` took so many ``seconds``."""
        times, total_s, longest_s = self.steps.get(step, StepTime(0, 0.0, 0.0))
        self.steps[step] = StepTime(times + 1, total_s + seconds, max(longest_s, seconds))

    def turn(self, seconds: float) -> None:
        """Note that a turn took so many ``seconds``."""
        self.turns += 1
        self.turns_s += seconds

    def shares(self) -> dict[str, float]:
        """Return the share of the turns' time that each step took; they may be less than 1 together."""
        return {step: each.total_s / self.turns_s for step, each in self.steps.items()} if self.turns_s else {}

    def table(self) -> str:
        """Return all of it as lines of text, what took most first."""
        lines = [f"{'step':<20} {'times':>7} {'s a turn':>10} {'longest':>10} {'share':>6}"]
        shares = self.shares()
        for step, each in sorted(self.steps.items(), key=lambda item: -item[1].total_s):
            lines.append(
                f"{step:<20} {each.times:>7} {each.total_s / max(self.turns, 1):>10.6f} {each.longest_s:>10.6f} "
                f"{shares.get(step, 0.0):>6.1%}"
            )
        rest = max(0.0, 1 - sum(shares.values()))
        lines.append(f"{'waiting, and the rest':<20} {self.turns:>7} {rest * self.turns_s / max(self.turns, 1):>10.6f}")
        return "\n".join(lines)
