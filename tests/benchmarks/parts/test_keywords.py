"""Keywords and words of a message: jieba, and its Rust twin."""

from __future__ import annotations

import pytest

from systems.memory.keywords import Keywords

ANALYSED = 100


@pytest.mark.parametrize("fast", [False, True], ids=["jieba", "rjieba"])
def test_a_hundred_messages(benchmark, texts, fast):
    keywords = Keywords(fast=fast)
    keywords.load()
    benchmark(lambda: [keywords.analyse(text) for text in texts[:ANALYSED]])
