from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.engines import simulated
from systems.engines.interface import Call, Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings, count, prompt_digest, schedule, tokens
from systems.errors import EngineError

QUESTION = [Message("user", "今天天气怎么样？ How are you?")]


def loaded(**settings: float) -> SimulatedEngine:
    engine = SimulatedEngine(msgspec.convert(settings, SimulatedSettings))
    engine.load()
    return engine


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by one that only sleeping moves, and return the sleeps."""
    sleeps: list[float] = []
    now = [100.0]

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(simulated, "sleep", sleep)
    monkeypatch.setattr(simulated, "perf_counter", lambda: now[0])
    return sleeps


def test_equal_prompts_get_equal_replies_and_different_prompts_different_ones() -> None:
    engine = loaded()

    replies = [
        engine.generate(Call(messages=messages, max_tokens=1)).text
        for messages in (QUESTION, QUESTION, [Message("user", "你好")], [Message("system", "你好")])
    ]

    assert replies[0] == replies[1]
    assert len(set(replies)) == 3


@given(
    messages=st.lists(st.builds(Message, st.just("user"), st.text(max_size=30)), max_size=3), count=st.integers(1, 40)
)
def test_an_invented_reply_has_the_tokens_asked_for(messages: list[Message], count: int) -> None:
    pieces: list[str] = []

    said = loaded().generate(Call(messages=messages, max_tokens=count, on_token=pieces.append))

    assert said.generated_tokens == count == len(pieces)
    assert said.text == "".join(pieces)


@given(text=st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text
    assert count(text) == len(tokens(text))


def test_tokens_are_characters_in_chinese_and_words_in_english() -> None:
    assert tokens("今天 is fine, ok ") == ["今", "天", " is", " fine", ",", " ok", " "]


def test_a_forced_reply_is_emitted_exactly_up_to_the_limit() -> None:
    engine = loaded()

    assert engine.generate(Call(messages=QUESTION, max_tokens=99, script="好的 ok\n")).text == "好的 ok\n"
    assert engine.generate(Call(messages=QUESTION, max_tokens=2, script="好的 ok")).text == "好的"


def test_zero_delays_never_sleep(slept: list[float]) -> None:
    loaded().generate(Call(messages=QUESTION, max_tokens=20))

    assert slept == []


def test_tokens_appear_at_the_stated_instants(slept: list[float]) -> None:
    engine = loaded(load_s=5, prefill_s_per_token=0.01, first_token_s=0.5, token_s=0.1)

    said = engine.generate(Call(messages=QUESTION, max_tokens=3))

    assert slept == pytest.approx([5, 0.01 * said.prompt_tokens + 0.5, 0.1, 0.1])
    assert said.first_token_s == pytest.approx(0.01 * said.prompt_tokens + 0.5)


def test_a_slow_reader_does_not_delay_later_tokens(slept: list[float]) -> None:
    engine = loaded(token_s=0.1)

    engine.generate(Call(messages=QUESTION, max_tokens=4, on_token=lambda _: simulated.sleep(0.04)))

    assert slept == pytest.approx([0.04, 0.06, 0.04, 0.06, 0.04, 0.06, 0.04])


def test_jitter_depends_on_the_seed_and_the_prompt_and_not_on_the_order_of_calls() -> None:
    one, other = prompt_digest(QUESTION), prompt_digest([Message("user", "你好")])
    settings = SimulatedSettings(token_s=0.1, first_token_s=0.3, jitter=0.5, seed=1)
    reseeded = msgspec.structs.replace(settings, seed=2)

    first = schedule(settings, 10, 5, one)
    schedule(settings, 10, 5, other)

    assert schedule(settings, 10, 5, one) == first == sorted(first)
    assert first != schedule(settings, 10, 5, other)
    assert first != schedule(reseeded, 10, 5, one)


def test_jitter_keeps_the_mean_delay() -> None:
    instants = schedule(SimulatedSettings(token_s=0.1, jitter=0.5), 0, 20_001, b"")

    assert (instants[-1] - instants[0]) / 20_000 == pytest.approx(0.1, rel=0.02)


def test_no_more_calls_run_at_once_than_there_are_slots() -> None:
    engine = loaded(slots=3)
    together = threading.Barrier(3, timeout=10)
    counting = threading.Lock()
    inside = 0
    most = 0

    def meet(_: str) -> None:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        together.wait()
        with counting:
            inside -= 1
        together.wait()

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda _: engine.generate(Call(messages=QUESTION, max_tokens=1, on_token=meet)), range(9)))

    assert engine.parallelism == most == 3


def test_a_failing_reader_gives_its_slot_back() -> None:
    engine = loaded()

    def fail(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.generate(Call(messages=QUESTION, max_tokens=2, on_token=fail))

    assert engine.generate(Call(messages=QUESTION, max_tokens=2)).generated_tokens == 2


def test_it_says_that_no_model_runs() -> None:
    assert "no model runs" in SimulatedEngine.summary
    assert not SimulatedEngine.runs_a_model


@pytest.mark.parametrize("settings", [{"slots": 0}, {"token_s": -1}, {"tokens_s": 1}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, SimulatedSettings)


def test_it_generates_only_between_load_and_close() -> None:
    engine = SimulatedEngine(SimulatedSettings())
    with pytest.raises(EngineError, match="not loaded"):
        engine.generate(Call(messages=QUESTION, max_tokens=1))
    engine.load()
    engine.close()
    with pytest.raises(EngineError, match="not loaded"):
        engine.generate(Call(messages=QUESTION, max_tokens=1))


@given(st.text(alphabet="ab1_ ,\n好的é", max_size=30), st.integers(1, 8))
def test_the_beginning_and_the_number_are_those_of_the_tokens(text: str, most: int) -> None:
    assert simulated.beginning(text, most) == "".join(simulated.tokens(text)[:most])
    assert simulated.count(text) == len(simulated.tokens(text))
