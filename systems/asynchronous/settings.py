"""The asynchronous agent's settings. Every mechanism can be off; off means the traditional way."""

from __future__ import annotations

import msgspec

from systems.prompt import CacheKey

MECHANISMS = (
    "isolation",
    "admission",
    "lazy_loading",
    "lru_cache",
    "full_text",
    "importance_pruning",
    "background_saving",
    "retries",
    "degradation",
)
"""The last two do something only when something fails."""


class AsynchronousSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mechanisms first, then their sizes; defaults are the published ones where there is one (docs/settings.md).

    ``concurrent_generations`` None means what the engine can use; the published system admits 3. ``deadline_s``
    bounds a request that brings no deadline of its own. ``cache_bytes`` bounds the cached replies' text.
    ``seed`` is that of the waits' jitter.
    """

    isolation: bool = True
    admission: bool = True
    lazy_loading: bool = True
    warm_up: bool = False
    lru_cache: bool = True
    full_text: bool = True
    importance_pruning: bool = True
    background_saving: bool = True
    retries: bool = True
    degradation: bool = True

    history_length: int = 10
    sessions: int = 1000
    memories: int = 3
    concurrent_generations: int | None = None
    queue_limit: int = 256
    deadline_s: float = 300.0
    cache_capacity: int = 50
    cache_seconds: float = 1800.0
    cache_bytes: int = 8 * 2**20
    cache_key: CacheKey = "prompt"
    save_batch: int = 64
    save_queue: int = 1024
    seed: int = 0


def everything_off() -> AsynchronousSettings:
    """Return the settings with every mechanism off: an asynchronous shell around the traditional turn."""
    return AsynchronousSettings(**dict.fromkeys(MECHANISMS, False))  # type: ignore[arg-type]
