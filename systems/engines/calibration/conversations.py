"""Conversations that hold something, and the work that is measured in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from time import perf_counter

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.calibration.case import CalibrationCase
from systems.errors import EngineError

# Tokens: of what a conversation holds, of a question, of a prompt that one begins with, and of the first look.
HELD, QUESTION, PROMPT, LOOK = 300, 40, 256, 32

LENGTH = 512
"""The tokens of a conversation's place: what it holds and a question."""


class HeldConversations:
    """A context in which every conversation holds something, once it is filled, and what is computed in it."""

    def __init__(self, case: CalibrationCase, model: Model, count: int, *, flash_attention: bool) -> None:
        self.context = Context(
            model,
            sequences=count,
            length=LENGTH,
            batch=LENGTH,
            threads=case.threads,
            key_value_type=case.key_value,
            flash_attention=flash_attention,
        )
        source = random.Random(0)
        self._count = count
        self._tokens = [source.randrange(model.words) for _ in range(HELD)]

    def close(self) -> None:
        """Free the context."""
        self.context.close()

    def step(self) -> None:
        """Compute one token of each conversation."""
        self._decode([Piece(sequence, self._tokens[:1], last=True) for sequence in range(self._count)], HELD - 1)

    def question(self) -> None:
        """Compute a question of one conversation."""
        self._decode([Piece(0, self._tokens[:QUESTION], last=True)], HELD - 1)

    def prompt(self, part: int) -> None:
        """Compute the prompt of a new conversation, ``part`` tokens at once."""
        self.context.clear(0)
        for begin in range(0, PROMPT, part):
            self.context.decode([Piece(0, self._tokens[begin : min(begin + part, PROMPT)], last=True)])

    def look(self, going_on: Callable[[], bool]) -> float:
        """Return the seconds that some tokens take, the weights being there. Raises `EngineError`; so if stopped."""
        self.context.stop_unless(going_on)
        self.context.decode([Piece(0, self._tokens[:1], last=True)])
        self.context.clear(0)
        began = perf_counter()
        self.context.decode([Piece(0, self._tokens[:LOOK], last=True)])
        took = perf_counter() - began
        self.context.clear(0)
        self.context.stop_unless(None)
        return took

    def fill(self) -> float:
        """Let every conversation hold the same, and return how many seconds the first one's took to compute."""
        began = perf_counter()
        self.context.decode([Piece(0, self._tokens, last=True)])
        took = perf_counter() - began
        held = self.context.save(0)
        for sequence in range(1, self._count):
            self.context.restore(sequence, held, HELD)
        if self.context.cut(0, HELD - 1) != HELD - 1:
            raise EngineError("This model forgets all or nothing: its steps are not measured.")
        return took

    def _decode(self, pieces: Sequence[Piece], held: int) -> None:
        for piece in pieces:
            self.context.cut(piece.sequence, held)
        self.context.decode(pieces)
