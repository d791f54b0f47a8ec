"""An engine that passes everything on to another one, and notes what it was asked: the prompt that was really sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from systems.engines.interface import Call, Engine, Generation, Message


class Overheard(Engine):
    """Notes the newest messages it was given in ``prompt``; what is not scripted the inner engine says.

    A scripted reply is said at once: who listens grades answers, and times nothing.
    """

    name: ClassVar[str] = "overheard"
    summary: ClassVar[str] = "another engine, whose prompts are noted"
    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self.prompt: Sequence[Message] = ()

    @property
    def parallelism(self) -> int:
        """The inner engine's."""
        return self._inner.parallelism

    @property
    def identity(self) -> str:
        """The inner engine's: a reply does not depend on who listens."""
        return self._inner.identity

    @property
    def context_tokens(self) -> int | None:
        """The inner engine's."""
        return self._inner.context_tokens

    def count(self, text: str) -> int:
        """Return what the inner engine counts."""
        return self._inner.count(text)

    def load(self) -> None:
        """Load the inner engine."""
        self._inner.load()

    def generate(self, call: Call) -> Generation:
        """Note the messages, and let the inner engine generate unless the reply is scripted."""
        self.prompt = call.messages
        if call.script is None:
            return self._inner.generate(call)
        if call.on_token is not None:
            call.on_token(call.script)
        return Generation(
            text=call.script, prompt_tokens=0, generated_tokens=0, first_token_s=0.0, finish_reason="stop"
        )

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()
