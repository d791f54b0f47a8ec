"""What a lookup found: a turn's text, and which turn it is."""

from __future__ import annotations

from typing import NamedTuple


class FoundTurn(NamedTuple):
    """What was said in a turn, and the turn's number in its file."""

    text: str
    number: int
