"""A memory filled beforehand is what somebody told in other conversations: found, and part of no history."""

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.baseline.agent import Baseline
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from systems.memory.filling import fill
from systems.pooled.agent import Pooled
from systems.server.hosting import host
from systems.tiered.agent import Tiered


class Heard(SimulatedEngine):
    """Writes down every prompt."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.prompts = []

    def generate(self, call):
        self.prompts.append(call.messages)
        return super().generate(call)


@pytest.mark.parametrize("kind", [Baseline, Asynchronous, Tiered, Pooled])
async def test_what_a_memory_is_filled_with_is_found_and_stands_in_no_history(tmp_path, kind):
    fill(tmp_path, "vera", ["My dog is called Bobbie.", "It rains today."])
    engine = Heard()
    async with host(kind(kind.Settings(), engine, tmp_path)) as running:
        question = "What is my dog called?"
        reply = await running.answer(Request(id="1", session="vera", text=question, max_tokens=4))
    assert [message.role for message in engine.prompts[0]] == ["system", "user"]
    assert reply.memories[0] == "My dog is called Bobbie."
