"""What the optimized asynchronous agent says of itself."""

from __future__ import annotations

from systems.asynchronous.settings import MECHANISMS, AsynchronousSettings
from systems.description import Description
from systems.settings import HISTORY_LIMIT

DESCRIPTION = Description(
    name="asynchronous",
    summary=(
        "The paper's core: isolation, admission, lazy loading, LRU cache, full-text memory, pruning, background saving."
    ),
    implementation="systems.asynchronous.agent:Asynchronous",
    settings=AsynchronousSettings,
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
            "bm25": {"retrieval": "bm25"},
            "blended": {"retrieval": "blended"},
        },
        "pruning": {"newest": {"importance_pruning": False, "stepped_pruning": False, "growing_prompts": False}},
        "history": {"unpruned": {"history_length": HISTORY_LIMIT, "growing_prompts": False}},
        "cache": {"none": {"cache_capacity": 0}, "question": {"cache_key": "question"}},
    },
    reads=("jieba", "rjieba"),
    fills="systems.memory.filling:fill",
)
