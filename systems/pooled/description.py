"""What the pooled agent says of itself."""

from __future__ import annotations

from systems.description import Description
from systems.pooled.settings import MECHANISMS, PooledSettings
from systems.settings import HISTORY_LIMIT

DESCRIPTION = Description(
    name="pooled",
    summary=(
        "A framework's performance guide as an agent: a bounded pool, a context manager, tiers by age, targets with a "
        "status."
    ),
    implementation="systems.pooled.agent:Pooled",
    settings=PooledSettings,
    blocks=False,
    mechanisms=MECHANISMS,
    variants={
        "start": {
            "eager": {"lazy_loading": False},
            "lazy": {"lazy_loading": True, "warm_up": False},
            "lazy-warm": {"lazy_loading": True, "warm_up": True},
        },
        "lookup": {
            "like": {"full_text": False},
            "keywords": {"all_words": False},
        },
        "pruning": {"newest": {"importance_pruning": False, "stepped_pruning": False, "context_manager": False}},
        "history": {"unpruned": {"history_length": HISTORY_LIMIT, "context_manager": False}},
        "cache": {"none": {"cache_capacity": 0}, "question": {"cache_key": "question"}},
    },
    reads=("jieba", "rjieba"),
    fills="systems.memory.filling:fill",
)
