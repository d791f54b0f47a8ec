from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.errors import EngineError, ModelError, PromptTooLong

QUESTION = [Message("system", "You are a helpful assistant. 你是一个助手。"), Message("user", "今天天气怎么样？")]
OTHER = [Message("user", "Tell me a story about the sea.")]
REPLIES = [
    "今天天气很好，我们去公园散步吧。",
    "Hello, the weather is fine today!",
    "混合 mixed 🎉 text\nof two lines. ",
]


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1))
    engine.load()
    yield engine
    engine.close()


@pytest.fixture
def fresh(engine: LlamaEngine) -> LlamaEngine:
    """The engine with nothing in its context."""
    engine.close()
    engine.load()
    return engine


@pytest.mark.parametrize("reply", REPLIES)
def test_a_forced_reply_is_emitted_exactly_and_streamed_whole(engine: LlamaEngine, reply: str) -> None:
    pieces: list[str] = []

    said = engine.generate(Call(messages=QUESTION, max_tokens=100, script=reply, on_token=pieces.append))

    assert said.text == reply == "".join(pieces)
    assert said.generated_tokens >= len(pieces) > 1
    assert said.first_token_s > 0


@pytest.mark.parametrize("repack", [True, False])
def test_weights_are_loaded_repacked_or_as_they_are(tiny_model: Path, repack: bool) -> None:
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=128, threads=1, repack=repack))
    engine.load()
    assert engine._llama.model_params.use_extra_bufts is repack
    assert engine.generate(Call(messages=OTHER, max_tokens=3, script="one two three")).generated_tokens == 3
    engine.close()


def test_a_forced_reply_costs_a_sampling_a_token_and_an_evaluation_between_two(
    fresh: LlamaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[int] = []
    sampled: list[int] = []
    evaluate, sample = fresh._evaluate, fresh._sample
    monkeypatch.setattr(fresh, "_evaluate", lambda tokens: (evaluated.append(len(tokens)), evaluate(tokens))[1])
    monkeypatch.setattr(fresh, "_sample", lambda sampler: (sampled.append(1), sample(sampler))[1])

    said = fresh.generate(Call(messages=QUESTION, max_tokens=5, script=REPLIES[0]))

    assert evaluated == [said.prompt_tokens, 1, 1, 1, 1]
    assert len(sampled) == said.generated_tokens == 5


def test_a_forced_reply_is_cut_at_the_token_limit_and_never_inside_a_character(engine: LlamaEngine) -> None:
    for limit in range(1, 8):
        said = engine.generate(Call(messages=QUESTION, max_tokens=limit, script="🎉🎉"))

        assert said.generated_tokens == limit
        assert said.text == "🎉" * (limit // 4)


def test_an_empty_forced_reply_generates_nothing(engine: LlamaEngine) -> None:
    said = engine.generate(Call(messages=QUESTION, max_tokens=5, script=""))

    assert (said.text, said.generated_tokens) == ("", 0)


def test_greedy_generation_is_the_same_whatever_came_before(fresh: LlamaEngine) -> None:
    first = fresh.generate(Call(messages=QUESTION, max_tokens=16))
    fresh.generate(Call(messages=OTHER, max_tokens=16, script=REPLIES[1]))
    again = fresh.generate(Call(messages=QUESTION, max_tokens=16))

    assert again.text == first.text
    assert (again.prompt_tokens, again.generated_tokens) == (first.prompt_tokens, first.generated_tokens)


def test_sampling_follows_the_seed(tiny_model: Path) -> None:
    said = []
    for seed in (0, 0, 1):
        sampling = Sampling(temperature=1.0, seed=seed)
        engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), sampling=sampling, threads=1))
        engine.load()
        said.append(engine.generate(Call(messages=QUESTION, max_tokens=12)).text)
        engine.close()

    assert said[0] == said[1] != said[2]


def test_the_common_beginning_of_prompts_is_reused_and_reported(fresh: LlamaEngine) -> None:
    first = fresh.generate(Call(messages=QUESTION, max_tokens=40, script=REPLIES[0]))
    longer = [*QUESTION, Message("assistant", REPLIES[0]), Message("user", "谢谢")]
    second = fresh.generate(Call(messages=longer, max_tokens=4, script=REPLIES[0]))

    assert first.reused_tokens == 0
    # All but the last token of the reply, which was never evaluated.
    assert second.reused_tokens == first.prompt_tokens + first.generated_tokens - 1


def test_reuse_changes_no_count(fresh: LlamaEngine) -> None:
    cold = fresh.generate(Call(messages=QUESTION, max_tokens=8, script=REPLIES[0]))
    warm = fresh.generate(Call(messages=QUESTION, max_tokens=8, script=REPLIES[0]))

    assert warm.reused_tokens == cold.prompt_tokens - 1
    assert (warm.prompt_tokens, warm.generated_tokens) == (cold.prompt_tokens, cold.generated_tokens)


def test_what_does_not_fit_the_context_is_refused_and_the_next_call_works(engine: LlamaEngine) -> None:
    with pytest.raises(PromptTooLong, match="maximum context length is 512 tokens"):
        engine.generate(Call(messages=[Message("user", "天气" * 600)], max_tokens=8))
    with pytest.raises(PromptTooLong, match="its reply takes 500"):
        engine.generate(Call(messages=QUESTION, max_tokens=500, script="好 " * 600))

    assert engine.generate(Call(messages=QUESTION, max_tokens=3, script=REPLIES[0])).generated_tokens == 3


def test_the_context_can_be_filled_to_the_last_token(engine: LlamaEngine) -> None:
    prompt = engine.generate(Call(messages=QUESTION, max_tokens=1)).prompt_tokens

    said = engine.generate(Call(messages=QUESTION, max_tokens=512 - prompt, script="好 " * 600))

    assert said.prompt_tokens + said.generated_tokens == 512


def test_a_failure_in_llama_cpp_is_typed_and_the_next_call_works(
    engine: LlamaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(batch: object) -> None:
        raise RuntimeError("llama_decode returned -3")

    with monkeypatch.context() as patch:
        patch.setattr(engine._llama._ctx, "decode", fail)
        with pytest.raises(EngineError, match="llama_decode returned -3"):
            engine.generate(Call(messages=OTHER, max_tokens=4))

    said = engine.generate(Call(messages=OTHER, max_tokens=4, script=REPLIES[1]))
    assert (said.reused_tokens, said.generated_tokens) == (0, 4)


def test_an_interrupt_passes_through_and_the_next_call_works(engine: LlamaEngine) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    expected = engine.generate(Call(messages=QUESTION, max_tokens=8)).text
    with pytest.raises(KeyboardInterrupt):
        engine.generate(Call(messages=OTHER, max_tokens=8, script=REPLIES[1], on_token=interrupt))

    assert engine.generate(Call(messages=QUESTION, max_tokens=8)).text == expected


def test_callers_from_many_threads_are_served_in_turn(engine: LlamaEngine) -> None:
    inside = threading.Lock()

    def ask(number: int) -> str:
        def alone(_: str) -> None:
            assert inside.acquire(blocking=False)
            inside.release()

        asked = [Message("user", f"question {number}")]
        return engine.generate(Call(messages=asked, max_tokens=50, script=f"answer {number} 好", on_token=alone)).text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == [f"answer {number} 好" for number in range(24)]


@pytest.mark.parametrize("limit", [0, -1])
def test_at_least_one_token_must_be_asked_for(engine: LlamaEngine, limit: int) -> None:
    with pytest.raises(EngineError, match="At least one token"):
        engine.generate(Call(messages=QUESTION, max_tokens=limit))


def test_text_that_is_no_unicode_is_refused(engine: LlamaEngine) -> None:
    with pytest.raises(EngineError, match="cannot be split"):
        engine.generate(Call(messages=[Message("user", "\ud800")], max_tokens=1))


def test_an_engine_generates_only_between_load_and_close(tiny_model: Path) -> None:
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model)))
    with pytest.raises(EngineError, match="not loaded"):
        engine.generate(Call(messages=QUESTION, max_tokens=1))
    engine.load()
    engine.load()
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="not loaded"):
        engine.generate(Call(messages=QUESTION, max_tokens=1))


def test_the_identity_tells_models_and_sampling_apart(tiny_model: Path) -> None:
    greedy = LlamaEngine(LlamaSettings(model_path=str(tiny_model)))
    sampled = LlamaEngine(LlamaSettings(model_path=str(tiny_model), sampling=Sampling(temperature=0.5)))

    assert greedy.identity.startswith("llama:tiny-q8_0-seed0-recipe1.gguf:")
    assert greedy.identity != sampled.identity


def test_a_model_that_is_missing_or_damaged_is_a_model_error(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:300_000])

    for path, reason in ((tmp_path / "absent.gguf", "There is no"), (tmp_path, "directory"), (cut, "truncated")):
        with pytest.raises(ModelError, match=reason):
            LlamaEngine(LlamaSettings(model_path=str(path))).load()


def test_what_was_computed_of_a_conversation_is_forgotten_when_that_is_asked(fresh: LlamaEngine) -> None:
    call = Call(messages=QUESTION, max_tokens=2, script="one two", conversation="one")
    first = fresh.generate(call)
    fresh.forget("two")
    assert fresh.generate(call).reused_tokens == first.prompt_tokens - 1
    fresh.forget("one")
    assert fresh.generate(call).reused_tokens == 0
    fresh.close()
    fresh.forget("one")
    fresh.load()
