"""The smallest system: asks the engine, remembers nothing. CONTRIBUTING.md shows it as the recipe."""

import time

import msgspec

from systems.engines.interface import Call, Message
from systems.interface import BlockingSystem, Counters, Reply


class EchoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on the system."""

    greeting: str = "You are brief."


class Echo(BlockingSystem):
    """One turn: a system prompt, the question, the model."""

    summary = "Asks the model and remembers nothing."
    Settings = EchoSettings

    def __init__(self, settings, engine, data_dir):
        self._settings, self._engine = settings, engine
        self._counters = Counters()

    def start(self):
        self._engine.load()

    def answer(self, request, on_token=None):
        arrived = time.perf_counter()
        messages = [Message("system", self._settings.greeting), Message("user", request.text)]
        called_s = time.perf_counter() - arrived
        made = self._engine.generate(Call(messages=messages, max_tokens=request.max_tokens, on_token=on_token))
        self._counters.turns += 1
        self._counters.generations += 1
        reply = Reply.of(request, made, called_s=called_s)
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self):
        return self._counters

    def close(self):
        self._engine.close()
