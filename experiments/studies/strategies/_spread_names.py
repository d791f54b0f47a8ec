"""What the plan of the part ``spread`` and its trials both name."""

from __future__ import annotations

SUBJECTS = ("round-robin", "random", "sticky", "fewest", "pull")

LENGTHS_MS: dict[str, tuple[tuple[float, float], ...]] = {
    "equal": ((10.0, 1.0),),
    "mixed": ((4.0, 0.9), (64.0, 0.1)),
}
"""What requests take, in milliseconds, and which share of them takes it; the mean is the same."""
