"""How much memory serving gives a context: enough for the model's own, but never what all else needs."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from experiments.commands import serving_context
from systems.engines.batched.settings import BatchedSettings
from systems.engines.llama import LlamaSettings
from systems.models.check import ModelFile
from systems.models.key_values import KeyValues

GIB = 1 << 30


def model(trained=8192, numbers=11_520, heads=9, size=96 << 20):
    of = KeyValues(trained=trained, numbers=numbers, heads=heads)
    return ModelFile(path=Path("m"), name="m", size_bytes=size, sha256="", random_weights=False, key_values=of)


def chosen(found, available, kind=BatchedSettings):
    settings = kind(model_path="m", memory_bytes=serving_context.memory(found, available))
    settled, _, said = serving_context.settled(found, "batched", settings, serving_context.ServerSettings(), available)
    return settled, said


def test_a_small_model_has_its_own_context_in_four_gibibytes_and_a_shorter_one_in_one():
    settled, said = chosen(model(), 4 * GIB)
    assert (settled.context_tokens, settled.memory_bytes) == (8192, GIB)
    assert "8,192 tokens, the model's own" in said
    settled, said = chosen(model(), GIB)
    assert 2048 <= settled.context_tokens < 8192
    assert "of the model's 8,192 tokens" in said
    assert chosen(model(), GIB, LlamaSettings)[0].context_tokens == 8192, "one conversation takes less than four"


def test_a_large_model_gets_what_half_of_the_memory_beside_its_weights_holds():
    settled, _ = chosen(model(trained=131_072, numbers=65_536, heads=32, size=5 * GIB), 32 * GIB)
    assert 8192 < settled.context_tokens < 131_072
    assert settled.memory_bytes == 27 * GIB // 2


def test_a_file_that_does_not_say_what_it_was_trained_on_is_told():
    settled, said = chosen(model(trained=0), 4 * GIB)
    assert settled.context_tokens == 2048
    assert "does not say" in said


@given(st.integers(0, 2**40), st.integers(0, 2**36))
def test_never_more_than_half_of_what_the_weights_leave_but_for_a_short_conversation(available, size):
    found = model(size=size)
    taken = serving_context.memory(found, available)
    assert taken <= (available - size) // 2 or chosen(found, available)[0].context_tokens == 2048
    assert serving_context.memory(found, None) == GIB


def test_a_model_larger_than_the_memory_is_served_as_before():
    for kind in (BatchedSettings, LlamaSettings):
        settled, said = chosen(model(trained=131_072, numbers=65_536, heads=32, size=5 * GIB), 4 * GIB, kind)
        assert settled.context_tokens == 2048
        assert "2,048 of the model's 131,072 tokens" in said
