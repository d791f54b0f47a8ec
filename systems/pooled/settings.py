"""The pooled agent's settings. Every mechanism can be off; off means the naive way."""

from __future__ import annotations

from typing import Annotated

import msgspec

from systems.answering import settings
from systems.answering.settings import AnsweringSettings, Seconds
from systems.settings import NotNegative, Positive

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]

OWN = (
    "warm_up",
    "group_commit",
    "pool",
    "context_manager",
    "tiers",
    "cleaning",
    "hnsw",
    "batched_embedding",
)
"""What this agent has beside the mechanisms of every turn."""

MECHANISMS = (*settings.MECHANISMS, *OWN, *settings.SAFEGUARDS)


class PooledSettings(AnsweringSettings, frozen=True, kw_only=True):
    """Besides those of the turn: mechanisms, then their sizes; the guide's where it has any.

    With ``pool`` at most ``agents`` turns are at work at once, and so many conversations live; a turn waits
    ``wait_s`` for a place at most. With ``warm_up`` (and ``lazy_loading``) model and memory are loaded right after the
    start, in the background, and the ``idle_agents`` conversations that were used last are brought near.
    ``group_commit`` saves a turn before it is acknowledged, together with others that wait.
    With ``context_manager`` a history grows until it has ``compress_above`` of its budget of ``history_tokens``, and is
    then compressed to half of it: what is critical stays word for word in half of that, the rest is shortened, then
    dropped, the oldest first.
    With ``tiers`` a conversation that is live no longer lies in memory, or at the Redis server ``hot_at`` (hot,
    ``hot_bytes``), then in a file of SQLite (warm, ``warm_bytes``), then in a compressed file of its own (cold,
    ``cold_bytes``). With ``cleaning`` it moves on when nobody used it for ``hot_s``, ``warm_s`` and ``cold_s``, looked
    at every ``clean_every_s``; of the live ones ``idle_agents`` at least stay.
    With an ``embedding_model``, ``hnsw`` keeps the vectors of a session that has ``hnsw_from`` of them in a graph, and
    ``batched_embedding`` gives the model several texts at once.
    ``easy_model``, the path of a GGUF file, answers what is not difficult; with None the agent's one model answers all.
    ``window_s`` and ``window_turns`` are what targets are judged by: the last turns. ``profile_turns`` times each step.
    """

    warm_up: bool = True
    group_commit: bool = True
    pool: bool = True
    context_manager: bool = True
    tiers: bool = True
    cleaning: bool = True
    hnsw: bool = True
    batched_embedding: bool = True

    agents: Positive = 50
    idle_agents: NotNegative = 5
    wait_s: Seconds = 30.0
    history_tokens: Positive = 4000
    compress_above: Share = 0.8
    hot_at: str | None = None
    hot_bytes: NotNegative | None = None
    warm_bytes: NotNegative | None = None
    cold_bytes: NotNegative | None = None
    hot_s: Seconds = 300.0
    warm_s: Seconds = 3600.0
    cold_s: Seconds = 86_400.0
    clean_every_s: Seconds = 60.0
    hnsw_from: Positive = 2_000
    easy_model: str | None = None
    window_s: Seconds = 300.0
    window_turns: Positive = 10_000
    profile_turns: bool = False

    def grows(self) -> bool:
        """Return whether questions are to stay in the history as they were sent."""
        return self.context_manager

    def bytes_hot(self) -> int:
        """Return what hot conversations may take that are not live: what is set, or 102 MiB at 4 GiB in proportion."""
        return self.memory_bytes // 40 if self.hot_bytes is None else self.hot_bytes

    def bytes_warm(self) -> int:
        """Return what warm conversations may take in their file: what is set, or 1 GiB at 4 GiB in proportion."""
        return self.memory_bytes // 4 if self.warm_bytes is None else self.warm_bytes

    def bytes_cold(self) -> int:
        """Return what the compressed files may take together: what is set, or 1 GiB at 4 GiB in proportion."""
        return self.memory_bytes // 4 if self.cold_bytes is None else self.cold_bytes


def everything_off() -> PooledSettings:
    """Return the settings with every mechanism off: an asynchronous shell around the traditional turn."""
    return PooledSettings(**dict.fromkeys(MECHANISMS, False))  # type: ignore[arg-type]
