"""The tiered agent's settings. Every mechanism can be off; off means the naive way."""

from __future__ import annotations

from systems.answering import settings
from systems.answering.settings import AnsweringSettings, Seconds
from systems.settings import NotNegative

OWN = (
    "group_commit",
    "tiers",
    "dictionary",
    "frozen",
    "prefetch",
    "semantic_cache",
    "incremental_encoding",
    "relevance_pruning",
    "noted_answers",
    "memory_return",
    "forecast",
    "staged_degradation",
    "back_pressure",
)
"""What this agent has beside the mechanisms of every turn."""

MECHANISMS = (*settings.MECHANISMS, *OWN, *settings.SAFEGUARDS)


class TieredSettings(AnsweringSettings, frozen=True, kw_only=True):
    """Besides those of the turn: mechanisms, then their sizes, each None meaning a share of ``memory_bytes``.

    ``group_commit`` saves a turn before it is acknowledged, together with others that wait. With ``tiers`` a
    conversation that leaves the hot tier (objects, ``hot_bytes``) is packed in memory (warm, ``warm_bytes``), then in a
    file (cold, ``cold_bytes``), under a trained ``dictionary``; and with ``frozen`` a session that nobody used for
    ``freeze_after_s`` becomes a bundle in ``frozen_at``: a folder, or an address ``s3://bucket/prefix``; None is a
    folder beside the memory file. ``prefetch`` fetches a conversation while its turn still waits to be admitted.
    ``semantic_cache`` serves a reply again to a question that means the same, by the encoder ``semantic_model``, the
    path of a GGUF file; with None there is none to tell.
    ``incremental_encoding`` keeps each question in the history as it was sent, so that an engine computes new tokens
    alone; ``relevance_pruning`` keeps what the newest questions are about when a history is too long, and with
    ``noted_answers`` a note of an earlier turn says how its answer began: what the agent itself said is not lost then.
    ``memory_return`` gives memory back to the system. Where memory becomes short, now or by its ``forecast``,
    ``staged_degradation`` stops fetching ahead, then shrinks caches and tiers, then packs all it can; and
    ``back_pressure`` refuses turns, and says when to ask again.
    """

    group_commit: bool = True
    tiers: bool = True
    dictionary: bool = True
    frozen: bool = True
    prefetch: bool = True
    semantic_cache: bool = True
    incremental_encoding: bool = True
    relevance_pruning: bool = False
    noted_answers: bool = True
    memory_return: bool = True
    forecast: bool = True
    staged_degradation: bool = True
    back_pressure: bool = True

    hot_bytes: NotNegative | None = None
    warm_bytes: NotNegative | None = None
    cold_bytes: NotNegative | None = None
    freeze_after_s: Seconds = 7 * 86_400.0
    frozen_at: str | None = None
    semantic_model: str | None = None
    semantic_replies: NotNegative = 1000
    semantic_bytes: NotNegative | None = None
    look_every_s: Seconds = 0.5

    def grows(self) -> bool:
        """Return whether questions are to stay in the history as they were sent."""
        return self.incremental_encoding

    def notes_answers(self) -> bool:
        """Return whether a note of a turn says how it was answered too."""
        return self.noted_answers

    def bytes_hot(self) -> int:
        """Return what the hot tier may take: what is set, or 16 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 256 if self.hot_bytes is None else self.hot_bytes

    def bytes_warm(self) -> int:
        """Return what the warm tier may take: what is set, or 32 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 128 if self.warm_bytes is None else self.warm_bytes

    def bytes_cold(self) -> int:
        """Return how large the file of the cold tier may become: what is set, or 1 GiB at 4 GiB in proportion."""
        return self.memory_bytes // 4 if self.cold_bytes is None else self.cold_bytes

    def bytes_semantic(self) -> int:
        """Return what replies by meaning may take: what is set, or 8 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 512 if self.semantic_bytes is None else self.semantic_bytes


def everything_off() -> TieredSettings:
    """Return the settings with every mechanism off: an asynchronous shell around the traditional turn."""
    return TieredSettings(**dict.fromkeys(MECHANISMS, False))  # type: ignore[arg-type]
