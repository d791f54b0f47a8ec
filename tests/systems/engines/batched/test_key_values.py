"""Keys and values of eight bits: nearly the logits of sixteen, and moving them about changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.settings import BatchedSettings
from systems.errors import ModelError
from tests.systems.engines.batched.schedules import alone_reference, try_schedules
from tests.systems.engines.batched.talking import TOLERANCE

PROMPT = list(np.random.default_rng(0).integers(300, 4000, 120))
NEXT = [500, 600, 700]


@pytest.fixture(scope="module")
def contexts(two_heads_model: Path) -> Iterator[dict[str, Context]]:
    with ExitStack() as stack:
        model = Model(two_heads_model, use_mmap=True, repack=True)
        stack.callback(model.close)
        made = {
            kind: Context(
                model, sequences=2, length=256, batch=256, threads=1, key_value_type=kind, flash_attention=True
            )
            for kind in ("f16", "q8_0")
        }
        for context in made.values():
            stack.callback(context.close)
        yield made


@pytest.fixture(autouse=True)
def _nothing_held(contexts: dict[str, Context]) -> None:
    for context in contexts.values():
        context.clear(0)


def last(context: Context, sequence: int, tokens: list[int]) -> np.ndarray:
    return context.logits(context.decode([Piece(sequence, tokens, last=True)])[sequence]).copy()


def test_eight_bits_say_nearly_what_sixteen_say(contexts):
    short, long = (
        np.array([last(contexts[kind], 0, PROMPT), *(last(contexts[kind], 0, [token]) for token in NEXT)])
        for kind in ("q8_0", "f16")
    )
    assert 0 < np.abs(short - long).max() < TOLERANCE


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_what_is_saved_and_restored_is_the_same_to_the_bit(contexts, kind):
    context = contexts[kind]
    last(context, 0, PROMPT)
    state = context.save(0)
    untouched = np.array([last(context, 0, [token]) for token in NEXT])
    context.restore(1, state, len(PROMPT))
    assert (np.array([last(context, 1, [token]) for token in NEXT]) == untouched).all()
    context.restore(0, state, len(PROMPT))
    assert (context.save(0) == state).all()


def test_a_state_of_eight_bits_takes_about_half(contexts):
    sizes = {}
    for kind, context in contexts.items():
        last(context, 0, PROMPT)
        sizes[kind] = len(context.save(0))
    assert sizes["q8_0"] < 0.6 * sizes["f16"]


def test_any_schedule_with_eight_bits_gives_the_logits_of_one_conversation_alone(two_heads_model, contexts):
    try_schedules(two_heads_model, "q8_0", alone_reference(contexts["q8_0"]), examples=5)


def test_eight_bits_without_flash_attention_are_refused(two_heads_model):
    settings = BatchedSettings(model_path=str(two_heads_model), key_value="q8_0", flash_attention=False)
    with pytest.raises(ModelError, match="flash attention"):
        BatchedEngine(settings).load()


def test_keys_and_values_that_the_model_cannot_have_are_refused(tiny_model):
    engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), key_value="q8_0"))
    with pytest.raises(ModelError, match="heads of a multiple of 32; this model's have 16"):
        engine.load()
