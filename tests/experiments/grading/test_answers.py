from __future__ import annotations

import pytest

from experiments.grading.answers import is_exact, is_refusal


@pytest.mark.parametrize(
    ("answer", "right"),
    [("Oslo", "oslo."), ("  lentil   soup ", "Lentil soup"), ("３月４日", "3月4日"), ("“云海镇”。", "云海镇")],
)
def test_the_same_said_otherwise_is_exact(answer: str, right: str) -> None:
    assert is_exact(answer, right)


@pytest.mark.parametrize(
    ("answer", "right"), [("Oslo", "Olso"), ("in Oslo", "Oslo"), ("", "Oslo"), ("云海", "云海镇"), ("0421", "421")]
)
def test_anything_else_is_not(answer: str, right: str) -> None:
    assert not is_exact(answer, right)


def test_a_refusal_is_one_in_either_language() -> None:
    assert is_refusal("I don't know")
    assert is_refusal("我不知道")
    assert not is_refusal("I know")
