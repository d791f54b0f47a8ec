"""What the plan of the part ``prompts`` and its trials both name."""

from __future__ import annotations

VERBOSE, CONCISE = "verbose", "concise"

FORCED, OWN_WORDS = "forced", "own words"
