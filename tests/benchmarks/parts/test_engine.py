"""The engines' own cost: steps of a batch and a whole reply, on a model so small that it costs next to nothing."""

from __future__ import annotations

import random

import pytest

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings

HELD = 200
PROMPT = [Message("system", "You are a helpful assistant."), Message("user", "Where does Vera live?")]


@pytest.fixture
def context(tiny_model):
    """Return a context of eight conversations that hold something."""
    model = Model(tiny_model, use_mmap=True, repack=True)
    made = Context(model, sequences=8, length=512, batch=512, threads=1, key_value_type="f16", flash_attention=True)
    for sequence in range(8):
        made.decode([Piece(sequence, tokens(HELD), last=False)])
    yield made
    made.close()


def tokens(count: int) -> list[int]:
    source = random.Random(0)
    return [source.randrange(100, 250) for _ in range(count)]


@pytest.mark.parametrize(("sequences", "each"), [(1, 1), (8, 1), (1, 64)])
def test_a_step_of_a_batch(benchmark, context, sequences, each):
    pieces = [Piece(sequence, tokens(each), last=True) for sequence in range(sequences)]

    def step() -> None:
        for sequence in range(sequences):
            context.cut(sequence, HELD)
        for place in context.decode(pieces).values():
            context.logits(place).argmax()

    benchmark(step)


def test_a_reply_of_24_tokens(benchmark, tiny_model):
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1))
    engine.load()
    forced = "Vera lives in Lisbon. " * 20
    said = benchmark(lambda: engine.generate(Call(messages=PROMPT, max_tokens=24, script=forced)))
    assert said.generated_tokens == 24
    engine.close()
