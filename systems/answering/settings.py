"""The settings of a turn. Every mechanism can be off; off means the traditional way."""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.mechanisms.caches import PolicyName
from systems.memory.ways import Retrieval
from systems.settings import NotNegative, Positive, SharedSettings
from systems.turn.layouts import LAYOUTS

Seconds = Annotated[float, msgspec.Meta(gt=0)]

SAFEGUARDS = ("retries", "degradation")
"""Mechanisms that do something only when something fails."""

MECHANISMS = (
    "isolation",
    "admission",
    "lazy_loading",
    "lru_cache",
    "fast_segmentation",
    "full_text",
    "all_words",
    "importance_pruning",
    "stepped_pruning",
)
"""Those of every turn, without the safeguards."""


class AnsweringSettings(SharedSettings, frozen=True, kw_only=True):
    """Besides the shared ones: mechanisms, then their sizes; the published defaults where there are any.

    ``all_words`` asks full text by every word of the question, and not by the published three keywords: then no
    dictionary is loaded, so ``fast_segmentation`` matters only without it, or without ``full_text``.
    Where prompts grow (`grows`), a history grows to ``history_length`` messages of ``history_tokens``, or half the
    engine's context where that is less, before it begins anew with half of that. So ``stepped_pruning`` matters only
    where they do not.
    ``concurrent_generations`` None means what the engine can use; the published system admits 3. ``deadline_s``
    bounds a request that brings no deadline of its own. ``cache_bytes`` bounds the cached text; None means a 512th of
    ``memory_bytes``. ``retrieval``, ``context``, ``resident_bytes`` and ``stored_bytes`` are those of `FullTextStore`:
    the last bounds the memory file, None means a quarter of ``memory_bytes``; the one before bounds what of it is held
    in memory, None means a 256th. With ``embedding_model``, the path of a GGUF file, full text that is asked by all
    words is fused with what lies nearest by vectors; None loads nothing of it. ``seed`` is that of the waits' jitter.
    """

    isolation: bool = True
    admission: bool = True
    lazy_loading: bool = True
    warm_up: bool = False
    lru_cache: bool = True
    fast_segmentation: bool = True
    full_text: bool = True
    all_words: bool = True
    importance_pruning: bool = True
    stepped_pruning: bool = True
    retries: bool = True
    degradation: bool = True

    history_tokens: Positive = 2048
    retrieval: Retrieval = "relevance"
    context: bool = True
    resident_bytes: NotNegative | None = None
    stored_bytes: Positive | None = None
    embedding_model: str | None = None
    concurrent_generations: Positive | None = None
    queue_limit: NotNegative = 256
    deadline_s: Seconds = 300.0
    cache_policy: PolicyName = "lru"
    cache_seconds: Seconds = 1800.0
    cache_bytes: NotNegative | None = None
    save_batch: Positive = 64
    seed: NotNegative = 0

    def grows(self) -> bool:
        """Return whether questions are to stay in the history as they were sent; an agent's settings say."""
        return False

    def notes_answers(self) -> bool:
        """Return whether a note of a turn says how it was answered too; an agent's settings say."""
        return False

    def prompts_grow(self) -> bool:
        """Return whether they do: in a layout that may."""
        return self.grows() and LAYOUTS[self.layout].grows

    def needs_keywords(self) -> bool:
        """Return whether memory is asked by the published keywords, which take a dictionary."""
        return not (self.full_text and self.all_words)

    def bytes_cached(self) -> int:
        """Return how many bytes of text the cache holds: what is set, or 8 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 512 if self.cache_bytes is None else self.cache_bytes

    def bytes_resident(self) -> int:
        """Return how many bytes of sessions are held in memory: what is set, or 16 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 256 if self.resident_bytes is None else self.resident_bytes

    def bytes_stored(self) -> int:
        """Return how large the memory file may become: what is set, or 1 GiB at 4 GiB in proportion."""
        return self.memory_bytes // 4 if self.stored_bytes is None else self.stored_bytes
