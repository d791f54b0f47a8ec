"""Keywords of a message, by jieba and its Rust twin; and the terms that full text keeps."""

from __future__ import annotations

import pytest

from systems.memory import words
from systems.memory.keywords import Keywords

ANALYSED = 100


@pytest.mark.parametrize("fast", [False, True], ids=["jieba", "rjieba"])
def test_a_hundred_messages(benchmark, texts, fast):
    keywords = Keywords(fast=fast)
    keywords.load()
    benchmark(lambda: [keywords.extract(text) for text in texts[:ANALYSED]])


def test_a_hundred_messages_are_cut(benchmark, texts):
    benchmark(lambda: [words.cut(text) for text in texts[:ANALYSED]])
