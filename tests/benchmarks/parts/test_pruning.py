"""Pruning a history: the traditional way and by importance, and a turn added to a full one."""

from __future__ import annotations

import pytest

from systems.memory.importance import is_important, keep_important
from systems.turn.history import Exchange, Histories, keep_newest

LENGTH = 500
WAYS = {"newest": keep_newest, "important": keep_important}


@pytest.mark.parametrize("way", WAYS)
def test_a_full_history_loses_half(benchmark, texts, way):
    exchanges = [Exchange(text, "Yes.", important=number % 7 == 0) for number, text in enumerate(texts[:LENGTH])]
    assert len(benchmark(WAYS[way], exchanges, LENGTH // 2)) == LENGTH // 2


@pytest.mark.parametrize("way", WAYS)
def test_a_turn_is_added_to_a_full_history(benchmark, texts, way):
    histories = Histories(40, 10, WAYS[way])
    benchmark(lambda: histories.add("one", Exchange(texts[0], "Yes.")))
    assert len(histories.messages("one")) <= 40


def test_a_hundred_messages_are_looked_at_for_importance(benchmark, texts):
    benchmark(lambda: [is_important(text) for text in texts[:100]])
