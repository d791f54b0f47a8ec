"""The context computes the same whatever happened before, and refuses what would end the process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Call
from systems.errors import EngineError, ModelError
from tests.systems.engines.batched.talking import SYSTEM, TOLERANCE


@pytest.fixture(scope="module")
def two_contexts(model: Model) -> Iterator[tuple[Context, Context]]:
    many = Context(model, sequences=3, length=256, batch=128, threads=1, key_value_type="f16", flash_attention=True)
    one = Context(model, sequences=1, length=256, batch=256, threads=1, key_value_type="f16", flash_attention=True)
    yield many, one
    many.close()
    one.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_schedule_of_joins_cuts_saves_and_restores_leaves_the_logits_alone(two_contexts, data):
    context, reference = two_contexts
    held: list[list[int]] = [[] for _ in range(context.sequences)]
    for sequence in range(context.sequences):
        context.clear(sequence)
    states: list[tuple[list[int], np.ndarray]] = []
    for _ in range(data.draw(st.integers(2, 8))):
        action = data.draw(st.sampled_from(["decode", "decode", "cut", "save", "restore", "clear"]))
        sequence = data.draw(st.integers(0, context.sequences - 1))
        if action == "decode":
            pieces = [
                Piece(number, data.draw(st.lists(st.integers(10, 4000), min_size=1, max_size=20)), last=True)
                for number in data.draw(st.sets(st.integers(0, context.sequences - 1), min_size=1))
            ]
            places = context.decode(pieces)
            for piece in pieces:
                held[piece.sequence] += piece.tokens
                reference.clear(0)
                reference.decode([Piece(0, held[piece.sequence], last=True)])
                row = context.logits(places[piece.sequence])
                assert np.abs(row - reference.logits(len(held[piece.sequence]) - 1)).max() < TOLERANCE
        elif action == "cut" and held[sequence]:
            length = data.draw(st.integers(0, len(held[sequence])))
            assert context.cut(sequence, length) == length
            del held[sequence][length:]
        elif action == "save" and held[sequence]:
            states.append((list(held[sequence]), context.save(sequence)))
        elif action == "restore" and states:
            tokens, state = data.draw(st.sampled_from(states))
            context.restore(sequence, state, len(tokens))
            held[sequence] = list(tokens)
        elif action == "clear":
            context.clear(sequence)
            held[sequence] = []
        assert [context.held(number) for number in range(context.sequences)] == [len(tokens) for tokens in held]


def test_what_would_abort_the_process_is_refused(two_contexts):
    context, _ = two_contexts
    context.clear(0)
    for wrong in (
        [Piece(3, [5], True)],
        [Piece(-1, [5], True)],
        [Piece(0, [], True)],
        [Piece(0, [5] * 129, True)],
        [Piece(0, [5] * 100, True), Piece(1, [5] * 100, True)],
        [Piece(0, [4096], True)],
        [Piece(0, [-1], True)],
    ):
        with pytest.raises(EngineError):
            context.decode(wrong)
    context.decode([Piece(0, [5, 6, 7], True)])
    state = context.save(0)
    for broken, length in ((state[:10], 3), (state, 2), (state, 300), (np.zeros(50, np.uint8), 1)):
        with pytest.raises(EngineError):
            context.restore(0, broken, length)
    context.restore(1, state, 3)
    assert context.held(1) == 3


def test_a_model_that_is_missing_or_too_large_for_its_memory_says_so(tmp_path, tiny_model):
    with pytest.raises(ModelError):
        BatchedEngine(BatchedSettings(model_path=str(tmp_path / "none.gguf"))).load()
    with pytest.raises(ModelError, match="MiB are allowed"):
        BatchedEngine(BatchedSettings(model_path=str(tiny_model), memory_bytes=1000)).load()
    with pytest.raises(EngineError, match="not loaded"):
        BatchedEngine(BatchedSettings(model_path=str(tiny_model))).generate(Call(messages=[SYSTEM], max_tokens=1))
