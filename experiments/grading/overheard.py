"""An engine that passes all on to another one, and notes what it was asked: the prompts that were really sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from experiments.workloads.asking import asking
from systems.engines.around import AroundEngine
from systems.engines.interface import Call, Engine, Generation, Message


class Overheard(AroundEngine):
    """Notes in ``prompts`` what the inner engine is asked to say, which is all that is not scripted.

    A scripted reply is said at once: who listens grades answers, and times nothing.
    """

    name: ClassVar[str] = "overheard"
    summary: ClassVar[str] = "another engine, whose prompts are noted"
    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self.prompts: list[Sequence[Message]] = []

    def prompt_for(self, question: str) -> Sequence[Message]:
        """Return the newest of the noted prompts that asks ``question``; where none does the newest of all, if any.

        A call for something else, such as a title, is not what the question was answered from.
        """
        calls = asking(question, self.prompts) or self.prompts
        return calls[-1] if calls else ()

    def generate(self, call: Call) -> Generation:
        """Say what is scripted; else note the messages, and let the inner engine generate."""
        if call.script is None:
            self.prompts.append(call.messages)
            return super().generate(call)
        if call.on_token is not None:
            call.on_token(call.script)
        return Generation(
            text=call.script, prompt_tokens=0, generated_tokens=0, first_token_s=0.0, finish_reason="stop"
        )
