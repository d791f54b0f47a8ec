"""What the tiered agent says of itself."""

from __future__ import annotations

from systems.description import Description
from systems.settings import HISTORY_LIMIT
from systems.tiered.settings import MECHANISMS, TieredSettings

DESCRIPTION = Description(
    name="tiered",
    summary=(
        "Many live agents in little memory: conversations in four tiers, replies by meaning, growing prompts, "
        "degradation before the limit."
    ),
    implementation="systems.tiered.agent:Tiered",
    settings=TieredSettings,
    blocks=False,
    mechanisms=MECHANISMS,
    variants={
        "start": {
            "eager": {"lazy_loading": False},
            "lazy": {"lazy_loading": True},
            "lazy-warm": {"lazy_loading": True, "warm_up": True},
        },
        "lookup": {
            "like": {"full_text": False},
            "keywords": {"all_words": False},
        },
        "pruning": {
            "newest": {
                "importance_pruning": False,
                "relevance_pruning": False,
                "stepped_pruning": False,
                "incremental_encoding": False,
            }
        },
        "history": {"unpruned": {"history_length": HISTORY_LIMIT, "incremental_encoding": False}},
        "cache": {"none": {"cache_capacity": 0, "semantic_cache": False}},
    },
    reads=("jieba", "rjieba"),
    fills="systems.memory.filling:fill",
)
