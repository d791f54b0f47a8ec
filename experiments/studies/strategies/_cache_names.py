"""Names of subjects that the part `caches` and its trials share."""

from __future__ import annotations

UNCACHED, IN_PROCESS, ASIDE, THROUGH, WARMED = "uncached", "in-process", "redis-aside", "redis-through", "redis-warmed"
