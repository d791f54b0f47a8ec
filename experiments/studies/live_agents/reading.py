"""An engine that says what stands in its prompt: whoever loses a conversation, or takes another's, answers wrongly.

A question is computed in full, teacher-forced to the number that the prompt holds, or to saying that it holds none. So
what is graded is the agent's memory and not the model's skill. What is told, the past of a probe, is answered at once:
the agent does everything it does with a turn, and only the model is spared.
"""

from __future__ import annotations

import re
from typing import cast

import msgspec

from experiments.studies.live_agents.conversations import FACT, QUESTION, REPLY
from systems.engines.around import AroundEngine
from systems.engines.interface import AsyncEngine, Call, Engine, Generation

UNKNOWN = "I do not know that."

_VALUE = re.compile(re.escape(FACT) + r"(\d+)")


class ReadingEngine(AroundEngine):
    """Another engine, made to answer from its prompt; or, not ``forced``, to answer questions in its own words."""

    def __init__(self, inner: Engine, forced: bool = True) -> None:
        super().__init__(inner)
        self._forced = forced

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._inner, self._forced)

    def generate(self, call: Call) -> Generation:
        """Answer at once what is told, and by the inner engine what is asked. Raises `EngineError`."""
        return self._told(call) or self._inner.generate(self._read(call))

    def _told(self, call: Call) -> Generation | None:
        if QUESTION in call.messages[-1].content:
            return None
        if call.on_token is not None:
            call.on_token(REPLY)
        return Generation(text=REPLY, prompt_tokens=0, generated_tokens=1, first_token_s=0.0, finish_reason="stop")

    def _read(self, call: Call) -> Call:
        if not self._forced:
            return call
        found = _VALUE.search("\n".join(message.content for message in call.messages))
        return msgspec.structs.replace(call, script=f"It is {found[1]}." if found else UNKNOWN, grammar=None)


class ReadingAsyncEngine(ReadingEngine, AsyncEngine):
    """As `ReadingEngine`, around an engine whose replies can be awaited."""

    async def reply(self, call: Call) -> Generation:
        """Answer at once what is told, and by the inner engine what is asked. Raises `EngineError`."""
        return self._told(call) or await cast(AsyncEngine, self._inner).reply(self._read(call))


def reading(engine: Engine, *, forced: bool) -> Engine:
    """Return ``engine`` made to read: one that can be awaited if ``engine`` can."""
    return (ReadingAsyncEngine if isinstance(engine, AsyncEngine) else ReadingEngine)(engine, forced)
