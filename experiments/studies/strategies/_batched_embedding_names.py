"""What the plan of the part ``batched-embedding`` and its trials both name."""

from __future__ import annotations

ALONE = "one-at-a-time"

BATCHES = {ALONE: 1, "batch-8": 8, "batch-32": 32, "batch-128": 128}
"""How many texts are in one call, by subject; the source advises 32."""

SHORT, PASSAGES = "short", "passages"

STATIC = "wordllama"
