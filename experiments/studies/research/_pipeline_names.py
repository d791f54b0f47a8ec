"""What the plan of the part ``pipeline`` and its trials both name."""

from __future__ import annotations

SITE = "site"
OWN_WORDS = "own words"
ENCODER = "minilm"

MODEL = "smollm2"
"""The real model that answers in its own words: not the quantisation that is timed, whose words are worse."""

PAGE_S, PAGES_S = 1.0, 10.0
"""Seconds that a page may take, and that all of them may."""
