"""What is said to the engine in these tests, and how far two engines may differ."""

from __future__ import annotations

import numpy as np

from systems.engines.interface import Message

SYSTEM = Message("system", "You are a helpful assistant that runs on the user's own small computer. " * 3)


# Largest difference of two logits computed in different company: activations are rounded to eight bits, and sums taken
# in another order fall on other sides of the rounding. The tiny model's logits have a standard deviation of 0.16; one
# other token among the last fifty moves some of them by 0.03 or more.
TOLERANCE = 0.01


def talk(user: int, turn: int) -> Message:
    return Message("user", f"I am user {user} and this is my question {turn * 7}: what is {user * turn}?")


def reply(user: int, turn: int) -> str:
    return f"Dear user {user}, the answer to question {turn} is not known to me. 不知道 🎉"


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < TOLERANCE
    best = np.sort(theirs, axis=1)
    clear = best[:, -1] - best[:, -2] > 2 * TOLERANCE
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()
