"""Why a reply ended, told alike by every engine that runs here."""

import pytest

from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings

MESSAGES = [Message("user", "Where does Vera live?")]
SCRIPT = "She lives in Lisbon, by the river."


def simulated(_):
    return SimulatedEngine(SimulatedSettings())


def llama(model):
    return LlamaEngine(LlamaSettings(model_path=str(model), context_tokens=256, threads=1))


def batched(model):
    return BatchedEngine(BatchedSettings(model_path=str(model), slots=2, context_tokens=256, threads=1))


@pytest.mark.parametrize("made", [simulated, llama, batched])
def test_a_reply_ends_because_it_is_complete_or_because_it_may_be_no_longer(made, tiny_model):
    engine = made(tiny_model)
    engine.load()
    try:
        whole = engine.generate(Call(messages=MESSAGES, max_tokens=100, script=SCRIPT))
        assert (whole.text, whole.finish_reason) == (SCRIPT, "stop")
        for most, reason in ((whole.generated_tokens, "stop"), (whole.generated_tokens - 1, "length")):
            assert engine.generate(Call(messages=MESSAGES, max_tokens=most, script=SCRIPT)).finish_reason == reason
        assert engine.generate(Call(messages=MESSAGES, script=SCRIPT)).text == SCRIPT
        assert engine.generate(Call(messages=MESSAGES, max_tokens=10**9, script=SCRIPT)).finish_reason == "stop"
        unbounded = engine.generate(Call(messages=MESSAGES))
        assert unbounded.generated_tokens <= 256
        assert unbounded.finish_reason == "stop" or unbounded.prompt_tokens + unbounded.generated_tokens == 256
        free = engine.generate(Call(messages=MESSAGES, max_tokens=8))
        assert free.finish_reason == ("stop" if free.generated_tokens < 8 else "length")
    finally:
        engine.close()
