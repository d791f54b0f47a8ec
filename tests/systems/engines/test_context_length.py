"""How long a context is where nobody set it, and how long a reply may be in it, with the engines that run a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring import engines
from experiments.measuring.records import EngineSpec
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.context_length import longest, needed
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import PromptTooLong
from systems.models.check import check
from systems.models.key_values import KeyValues, key_values

QUESTION = [Message("user", "How are the bees?")]
LONG = "one two three four five six seven " * 2000


def llama(path, **settings):
    return LlamaEngine(LlamaSettings(model_path=str(path), threads=1, **settings))


def batched(path, **settings):
    return BatchedEngine(BatchedSettings(model_path=str(path), threads=1, **settings))


MODELS = st.builds(
    KeyValues, trained=st.integers(0, 200_000), numbers=st.integers(1, 100_000), heads=st.integers(1, 64)
)


@given(model=MODELS, memory=st.integers(1, 2**36), conversations=st.integers(1, 16))
def test_a_context_is_the_models_own_or_as_long_as_the_memory_holds(model, memory, conversations):
    length = longest(model, memory, conversations=conversations)
    own = model.trained or 2048
    assert 1 <= length <= own
    if length < own and length > 256:
        assert needed(model, length) <= memory, "not even one conversation fits"
        assert length % 256 == 0
        assert needed(model, length + 256, conversations) > memory, "there was room for more"
    if length == own > 256:
        assert needed(model, own) <= memory


def test_metadata_tell_what_a_token_takes_also_where_layers_differ():
    llama_like = {
        "general.architecture": "llama",
        "llama.block_count": "30",
        "llama.embedding_length": "576",
        "llama.attention.head_count": "9",
        "llama.attention.head_count_kv": "3",
        "llama.context_length": "8192",
    }
    assert key_values(llama_like) == KeyValues(trained=8192, numbers=30 * 3 * 64 * 2, heads=9)
    hybrid = {**llama_like, "llama.attention.head_count_kv": "[0, 3, 0, 3]", "llama.attention.key_length": "32"}
    assert key_values(hybrid).numbers == 6 * (32 + 64)
    assert key_values({}) == KeyValues(trained=0, numbers=0, heads=0)


@pytest.mark.parametrize("made", [llama, batched])
def test_the_models_own_context_is_filled_and_no_more(made, tiny_model):
    engine = made(tiny_model)
    engine.load()
    try:
        said = engine.generate(Call(messages=QUESTION, script="好" * 1200))
        assert (said.text, said.finish_reason) == ("好" * 1200, "stop")
        with pytest.raises(PromptTooLong, match="maximum context length is 2048 tokens"):
            engine.generate(Call(messages=[Message("user", LONG)]))
        with pytest.raises(PromptTooLong, match="its reply takes"):
            engine.generate(Call(messages=QUESTION, script=LONG))
        for bound in (None, 5000, 10**30):
            free = engine.generate(Call(messages=QUESTION, max_tokens=bound))
            assert free.prompt_tokens + free.generated_tokens <= 2048
            ended = free.prompt_tokens + free.generated_tokens < 2048
            assert free.finish_reason == ("stop" if ended else "length")
    finally:
        engine.close()


@pytest.mark.parametrize(("made", "conversations"), [(llama, 1), (batched, 4)])
def test_where_memory_is_short_the_context_is_as_long_as_it_holds(made, conversations, tiny_model):
    model = check(tiny_model).key_values
    engine = made(tiny_model, memory_bytes=needed(model, 512, 1))
    engine.load()
    try:
        with pytest.raises(PromptTooLong, match="maximum context length is 512 tokens"):
            engine.generate(Call(messages=[Message("user", LONG)]))
        said = engine.generate(Call(messages=QUESTION, max_tokens=3))
        assert said.generated_tokens <= 3
    finally:
        engine.close()


@pytest.mark.parametrize("made", [llama, batched])
def test_a_context_beyond_the_models_own_is_logged(made, tiny_model, caplog):
    engine = made(tiny_model, context_tokens=4096)
    engine.load()
    engine.close()
    assert ["longer than the model's own" in record.getMessage() for record in caplog.records].count(True) == 1


@pytest.mark.parametrize("made", [llama, batched])
def test_history_stays_whatever_the_bound_and_the_reply_ends_where_the_context_does(made, tiny_model):
    engine = made(tiny_model, context_tokens=512)
    engine.load()
    try:
        said = [Message(role, "the bees gave honey " * 4) for role in ("user", "assistant")] * 3
        for bound in (None, 512, 65_535):
            found = engine.generate(Call(messages=[*said, *QUESTION], max_tokens=bound))
            assert (found.dropped_messages, found.dropped_notes) == (0, 0)
            assert found.prompt_tokens + found.generated_tokens <= 512
        longer = engine.generate(Call(messages=[*said * 4, *QUESTION]))
        assert longer.dropped_messages in (8, 16, 24)
        assert 512 - longer.prompt_tokens >= 64
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["llama", "batched"])
def test_the_context_of_a_trial_is_the_same_on_every_machine(name, tiny_model):
    for settings, length in (({}, 2048), ({"context_tokens": 256}, 256)):
        engine = engines.make(EngineSpec(name=name, settings=settings), str(tiny_model), 1, 0)
        engine.load()
        try:
            with pytest.raises(PromptTooLong, match=f"maximum context length is {length} tokens"):
                engine.generate(Call(messages=[Message("user", LONG)]))
        finally:
            engine.close()
