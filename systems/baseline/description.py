"""What the traditional agent says of itself."""

from __future__ import annotations

from systems.baseline.settings import BaselineSettings
from systems.description import Description
from systems.settings import HISTORY_LIMIT

DESCRIPTION = Description(
    name="baseline",
    summary="The traditional agent: loads everything at start, answers one turn at a time on one thread.",
    implementation="systems.baseline.agent:Baseline",
    settings=BaselineSettings,
    blocks=True,
    variants={
        "history": {"unpruned": {"history_length": HISTORY_LIMIT}},
        "cache": {"none": {"cache_capacity": 0}},
        "segmenter": {"fast-segmenter": {"fast_segmentation": True}},
    },
    reads=("jieba", "rjieba"),
    fills="systems.memory.filling:fill",
)
